"""What can go wrong in this room. Each message is one line that says what to do."""


class ProvenanceError(Exception):
    """Base of this room's errors; its text is fit to be shown to a user."""


class UnreadableError(ProvenanceError):
    """A file of evidence (manifest, journal, report) is missing, torn or malformed."""


class UnknownVersionError(ProvenanceError):
    """The registry has no such version."""


class TamperedVersionError(ProvenanceError):
    """A registered file is missing, changed or unexpected."""


class GateRefusedError(ProvenanceError):
    """The quality gate refused a promotion; `reasons` has one line for each failed condition."""

    def __init__(self, version: str, reasons: tuple[str, ...]) -> None:
        """Keep the reasons apart, so that an API or a table can show them."""
        super().__init__(f"version {version} was not promoted: {'; '.join(reasons)}")
        self.version = version
        self.reasons = reasons


class NotReviewedError(ProvenanceError):
    """No reviewed branch holds what made a version; `reason` says why that is thought."""

    def __init__(self, version: str, reason: str) -> None:
        """Keep the reason apart, for a gate to give."""
        super().__init__(f"version {version} is not reviewed: {reason}")
        self.reason = reason


class RegistryBusyError(ProvenanceError):
    """Another process holds the registry's lock for too long."""


class ReproduceError(ProvenanceError):
    """A run could not be done again, so there was nothing to compare."""


class DocumentError(ProvenanceError):
    """A document asks for a figure that no report has, or is malformed."""
