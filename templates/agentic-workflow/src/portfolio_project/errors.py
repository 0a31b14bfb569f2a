"""What can go wrong for a user, and is told in one line instead of a traceback."""


def expected_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions whose message says what to do. Loaded only when one is at hand."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from .evaluation.cassette import CassetteMissError  # noqa: PLC0415
    from .evaluation.command import EvaluationError  # noqa: PLC0415
    from .policy_model.registered import NoModelError  # noqa: PLC0415
    from .training.train import TrainingError  # noqa: PLC0415

    return (CassetteMissError, DBAPIError, EvaluationError, NoModelError, TrainingError)
