"""What `evaluate` and `eval ...` do: run, write the report with its page and side file, compare."""

import tempfile
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import orjson

from ..policy_model.model import PolicyModel
from ..policy_model.registered import registered_model
from ..provenance import readable_json, save_report
from ..provenance.durable import replace_file
from ..settings import Settings
from ..world.engine import migrate, open_engine
from .cassette import CassetteMissError, CassetteTransport
from .dataset import PATH, Case, build, load, save
from .page import PAGE, TIMES, render
from .report import build_report
from .run import How, evaluate
from .shards import evaluate_both, processes_for
from .statistics import Comparison, compare

REPORT, VOLATILE = "evaluation.json", "evaluation.volatile.json"


class EvaluationError(Exception):
    """The evaluation can't be run or compared; the text says why in one line."""


def run(
    settings: Settings,
    folder: Path,
    *,
    concurrency: int = 8,
    every: int = 1,
    processes: int | None = None,
) -> Iterator[str]:
    """Evaluate with the threshold off and at the shipped one; write report, page and times.

    Yields lines for the user. Raises NoModelError, BadSettings.
    """
    _, model = registered_model(settings)
    cases = load()[::every]
    spread = processes or processes_for(settings, len(cases))
    started = time.perf_counter()
    both = evaluate_both(cases, settings, concurrency, spread)
    took = time.perf_counter() - started
    report = build_report(cases, both.free, both.shipped, model, source_of(settings, model))
    write(folder, report, took, both.seconds)
    figures = {name: told for name, told in report.items() if name not in {"cases", "risk"}}
    save_report(settings.reports_dir / "evaluate.json", figures)
    yield from summary(report)
    yield f"{len(cases)} tickets twice in {took:.1f} s; {folder / PAGE}"


def run_cassette(
    settings: Settings, folder: Path, mode: Literal["record", "replay"], *, every: int = 1
) -> Iterator[str]:
    """Evaluate at the shipped threshold while recording, or from recordings alone.

    Raises CassetteMissError on a call without a recording.
    """
    _, model = registered_model(settings)
    cases = load()[::every]
    stamp = {"model": settings.model, "fingerprint": model.version}
    transport = CassetteTransport(folder, mode, stamp)
    done = evaluate(cases, model, settings, How(concurrency=4), transport)
    if transport.misses:
        raise CassetteMissError(transport.misses[0])
    right = sum(g.right for g in done.grades)
    yield f"{mode}: {right} of {len(cases)} tickets right, model {settings.model}"
    if mode == "replay":
        for name in transport.unused():
            yield f"not used: {name}"


def source_of(settings: Settings, model: PolicyModel) -> str:
    """Return which model answered, for the report's head; only what was asked is named."""
    if settings.model == "local":
        return f"the project's own model {model.version}, over HTTP on loopback"
    return f"{settings.model}{' at ' + settings.model_url if settings.model_url else ''}"


def write(folder: Path, report: dict[str, Any], took: float, seconds: list[float]) -> None:
    """Write the report, its page, and the times beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / REPORT, readable_json(report))
    template = (files(str(__package__)) / "page.html").read_text(encoding="utf-8")
    replace_file(folder / PAGE, render(template, report).encode())
    ordered = sorted(seconds)
    times = {
        "seconds": round(took, 3),
        "ticket_p50_ms": round(1e3 * ordered[len(ordered) // 2], 1),
        "ticket_p99_ms": round(1e3 * ordered[int(len(ordered) * 0.99)], 1),
    }
    replace_file(folder / VOLATILE, readable_json(times))
    replace_file(folder / TIMES, b"window.TIMES = " + readable_json(times).rstrip() + b";\n")


def summary(report: dict[str, Any]) -> Iterator[str]:
    """Yield the lines that a person wants to see."""
    off, on, rules = report["splits"]["off"], report["splits"]["shipped"], report["baseline"]
    yield f"{report['source']}, threshold {report['threshold']}"
    for split, told in off.items():
        ruled = f"{rules[split]['share']:.1%}" if split in rules else "-"
        yield (
            f"{split:<14}{told['n']:>4} tickets  right {told['share']:.1%} "
            f"[{told['low']:.1%}, {told['high']:.1%}]  keywords {ruled}  "
            f"at threshold: covers {on[split]['covered']:.1%}, "
            f"right {on[split]['right_when_acting']:.1%}, unsafe {on[split]['unsafe']}"
        )
    yield "pass^k " + "  ".join(f"{k}: {v:.1%}" for k, v in report["pass_hat"].items())
    yield f"policy violations {report['violations']}, trace faults {report['trace_faults']}"


def compare_files(before: Path, after: Path) -> Comparison:
    """Compare two reports. Raises EvaluationError where one can't be read or they don't match."""
    try:
        return compare(orjson.loads(before.read_bytes()), orjson.loads(after.read_bytes()))
    except OSError as error:
        raise EvaluationError(f"{error.filename}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise EvaluationError(f"these are no two reports of one data set: {error}") from None


def build_dataset(path: Path = PATH) -> str:
    """Build the data set from its seeds and write it; returns a line for the user."""
    cases: list[Case]
    with tempfile.TemporaryDirectory() as scratch:
        engine = open_engine(f"sqlite:///{scratch}/world.db")
        migrate(engine)
        cases = build(engine)
        engine.dispose()
    save(cases, path)
    return f"{len(cases)} tickets in {path}"
