"""What can go wrong for a user, and is told in a line instead of a traceback.

Each is imported only when an exception is at hand, for `--help` needs none of them.
"""

from .endings import Errors


def told() -> Errors:
    """Return the exceptions whose text says what to do."""
    from .evaluation.cassette import CassetteMissError  # noqa: PLC0415
    from .evaluation.command import EvaluationError  # noqa: PLC0415
    from .policy_model.registered import NoModelError  # noqa: PLC0415
    from .provenance import ProvenanceError  # noqa: PLC0415
    from .serving import BadSettings  # noqa: PLC0415
    from .training.train import TrainingError  # noqa: PLC0415

    own = (CassetteMissError, EvaluationError, NoModelError, TrainingError)
    return (BadSettings, ProvenanceError, *own)


def away() -> Errors:
    """Return those that mean that the database is away."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    return (DBAPIError,)
