"""Provenance: what was run on what, files that keep their name, and figures that can be traced."""

from .commits import Origin
from .dead_letters import DeadLetter, DeadLetters, Redriven
from .determinism import deterministic, deterministic_environment
from .errors import (
    DocumentError,
    GateRefusedError,
    NotReviewedError,
    ProvenanceError,
    RegistryBusyError,
    ReproduceError,
    TamperedVersionError,
    UnknownVersionError,
    UnreadableError,
)
from .figures import save_report
from .gate import Gate, GateCheck, Threshold
from .hashing import (
    canonical_json,
    hash_lock,
    hash_package_code,
    readable_json,
    rounded,
    sha256_file,
    sha256_json,
    sha256_tree,
)
from .journal import Decision
from .manifest import Artefact, Environment, RunManifest, read_run, write_run
from .registry import Registry
from .reproduction import Reproduction, compare_runs, reproduce
from .review import Reviewed, with_review
from .version import Version

__all__ = [
    "Artefact",
    "DeadLetter",
    "DeadLetters",
    "Decision",
    "DocumentError",
    "Environment",
    "Gate",
    "GateCheck",
    "GateRefusedError",
    "NotReviewedError",
    "Origin",
    "ProvenanceError",
    "Redriven",
    "Registry",
    "RegistryBusyError",
    "ReproduceError",
    "Reproduction",
    "Reviewed",
    "RunManifest",
    "TamperedVersionError",
    "Threshold",
    "UnknownVersionError",
    "UnreadableError",
    "Version",
    "canonical_json",
    "compare_runs",
    "deterministic",
    "deterministic_environment",
    "hash_lock",
    "hash_package_code",
    "read_run",
    "readable_json",
    "reproduce",
    "rounded",
    "save_report",
    "sha256_file",
    "sha256_json",
    "sha256_tree",
    "with_review",
    "write_run",
]
