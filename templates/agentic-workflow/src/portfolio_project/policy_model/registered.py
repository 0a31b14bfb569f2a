"""The model that serves: the registry's current version, checked and loaded."""

from ..provenance import Registry
from ..settings import Settings
from .files import ARRAYS, NAMES, load
from .model import PolicyModel


class NoModelError(Exception):
    """No model is registered that could serve."""


def registered_model(settings: Settings) -> tuple[str, PolicyModel]:
    """Return the version that serves and its model.

    Raises:
        NoModelError: none was promoted yet.
        TamperedVersionError: its files were changed.
    """
    version = Registry(settings.registry_dir).current()
    if version is None:
        raise NoModelError("no model serves yet. Run the commands `ingest` and `train`")
    return version.id, load(version.path(ARRAYS), version.path(NAMES))
