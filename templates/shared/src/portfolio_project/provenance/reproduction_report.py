"""What a project remembers of having done its runs again: `reproduction.json` in its reports."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from .figures import save_report
from .reproduction import Reproduction

REPORT = "reproduction.json"


class ReproductionReport(BaseModel):
    """Whether every byte came out again, a line for each run, and two hashes to compare by eye."""

    same: bool
    model_sha256: list[str]
    """Of the model's main file, after the first and the second training."""
    verdicts: list[str]


def write_reproduction(
    reports: Path, found: Sequence[Reproduction], model_sha256: Sequence[str]
) -> None:
    """Write the report into the folder `reports`. Raises OSError."""
    report = ReproductionReport(
        same=all(one.same for one in found),
        model_sha256=list(model_sha256),
        verdicts=[one.verdict for one in found],
    )
    save_report(reports / REPORT, report.model_dump())


def read_reproduction(reports: Path) -> ReproductionReport | None:
    """The last report in the folder `reports`, None if there is none that can be read."""
    try:
        return ReproductionReport.model_validate_json((reports / REPORT).read_bytes())
    except (OSError, ValidationError):
        return None
