"""What serves was registered whole, passed the gate, and can be undone."""

import errno
import os
import pickle
import zipfile

import pytest
from runs import MODEL, make_run

from portfolio_project.provenance import (
    Artefact,
    Gate,
    GateRefusedError,
    ProvenanceError,
    Registry,
    RegistryBusyError,
    TamperedVersionError,
    Threshold,
    UnknownVersionError,
    UnreadableError,
)

GATE = Gate(Threshold(metric="score", at_least=0.5, max_drop=0.05))


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry", lock_timeout_s=0.05)


@pytest.fixture
def register(registry, tmp_path):
    def one(content="weights", score=0.8):
        return registry.register(*make_run(tmp_path / "run", content, score))

    return one


@pytest.fixture
def serving(registry, register):
    """Three versions, promoted one after the other."""
    names = [register(content, score) for content, score in (("a", 0.7), ("b", 0.75), ("c", 0.8))]
    for name in names:
        registry.promote(name, gate=GATE)
    return names


def damage(version, data=b"other"):
    path = version.root / "files" / MODEL
    path.chmod(0o644)
    path.write_bytes(data)


def test_an_empty_registry_serves_nothing(registry):
    assert registry.current() is None
    assert registry.versions() == ()
    assert registry.history() == ()


def test_a_registered_model_reads_back_and_keeps_its_manifest(registry, register):
    name = register("weights")
    version = registry.get(name)
    assert version.read(MODEL) == version.path(MODEL).read_bytes() == b"weights"
    assert version.manifest.metrics == {"score": 0.8}
    assert registry.current() is None  # registering is not promoting


def test_a_version_is_named_after_what_it_holds(registry, register):
    first = register("weights")
    assert register("weights") == first
    assert register("weights", score=0.9) != first
    assert register("other") != first
    assert len(registry.versions()) == 3


def test_versions_are_listed_in_the_order_of_registration(registry, serving):
    assert [version.id for version in registry.versions()] == serving


def test_the_first_digits_are_enough(registry, register):
    name = register()
    assert registry.get(name[:6]).id == name
    for unknown in ("zz", "", "../" + name):
        with pytest.raises(UnknownVersionError, match="no version"):
            registry.get(unknown)


def test_registered_files_cannot_be_written_by_accident(registry, register):
    path = registry.get(register()).path(MODEL)
    assert path.stat().st_mode & 0o222 == 0


def zipped(folder, member):
    path = folder / "zipped"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "content")
    return path.read_bytes()


def test_a_pickle_never_gets_in_because_loading_one_runs_it(registry, tmp_path):
    pickles = [pickle.dumps([1.5], protocol) for protocol in range(2, 6)]
    for data in (*pickles, zipped(tmp_path, "archive/data.pkl")):
        model = tmp_path / MODEL
        model.write_bytes(data)
        manifest = make_run(tmp_path / "run")[1]
        manifest = manifest.model_copy(update={"outputs": {MODEL: Artefact.of(model)}})
        with pytest.raises(ProvenanceError, match="is a pickle"):
            registry.register({MODEL: model}, manifest)
    assert registry.versions() == ()


def test_a_manifest_that_was_edited_in_memory_is_named_as_it_reads_back(registry, tmp_path):
    files, manifest = make_run(tmp_path / "run")
    changed = manifest.model_copy(update={"metrics": {"score": 0.1 + 0.2}})
    assert registry.get(registry.register(files, changed)).manifest.metrics == {"score": 0.3}
    with pytest.raises(ValueError, match="seed"):
        registry.register(files, manifest.model_copy(update={"seed": -1}))


def test_an_archive_of_arrays_is_welcome(registry, tmp_path):
    model = tmp_path / MODEL
    model.write_bytes(zipped(tmp_path, "weights.npy"))
    manifest = make_run(tmp_path / "run")[1]
    manifest = manifest.model_copy(update={"outputs": {MODEL: Artefact.of(model)}})
    assert registry.register({MODEL: model}, manifest)


@pytest.mark.parametrize(
    "name", ["/model.bin", "../model.bin", "a/../model.bin", "a\\b", "C:model", "", ".", "a//b"]
)
def test_a_name_that_could_leave_the_folder_is_refused(registry, tmp_path, name):
    files, manifest = make_run(tmp_path / "run")
    with pytest.raises(ProvenanceError, match="relative POSIX path"):
        registry.register({name: files[MODEL]}, manifest)


def test_a_file_that_the_run_did_not_write_is_refused(registry, tmp_path):
    files, manifest = make_run(tmp_path / "run")
    files[MODEL].write_text("edited by hand")
    with pytest.raises(ProvenanceError, match="not an output of this train run"):
        registry.register(files, manifest)
    with pytest.raises(ProvenanceError, match="needs a file"):
        registry.register({}, manifest)
    assert registry.versions() == ()


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (damage, "is not the file that was registered"),
        (lambda version: (version.root / "files" / MODEL).unlink(), "No such file"),
        (lambda version: (version.root / "files" / "extra").touch(), "extra was added"),
        (lambda version: (version.root / "version.json").unlink(), "missing or changed"),
    ],
    ids=["changed", "missing", "added", "no description"],
)
def test_a_tampered_version_is_not_served(registry, serving, spoil, what):
    spoil(registry.get(serving[-1]))
    with pytest.raises(TamperedVersionError, match=what):
        registry.current()


def test_better_metrics_cannot_be_written_into_a_registered_version(registry, register):
    path = registry.get(register(score=0.4)).root / "version.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("0.4", "0.9"))
    with pytest.raises(TamperedVersionError, match=r"version\.json is missing or changed"):
        registry.promote(path.parent.name, gate=GATE)


def test_a_file_swapped_for_a_link_is_not_served(registry, serving, tmp_path):
    version = registry.get(serving[-1])
    same = tmp_path / "same"
    same.write_bytes(version.read(MODEL))
    (version.root / "files" / MODEL).unlink()
    (version.root / "files" / MODEL).symlink_to(same)
    with pytest.raises(TamperedVersionError):
        registry.current()


@pytest.mark.parametrize("content", ["", "../../etc", "é"])
def test_a_spoiled_pointer_is_refused_and_the_next_writer_restores_it(registry, serving, content):
    (registry.root / "current").write_text(content, encoding="utf-8")
    with pytest.raises(TamperedVersionError, match="names no version"):
        registry.current()
    assert registry.rollback().id == serving[1]


def test_promotion_passes_the_gate_and_is_remembered(registry, serving):
    assert registry.current().id == serving[-1]
    assert [decision.version for decision in registry.history()] == serving
    assert [decision.previous for decision in registry.history()] == [None, *serving[:2]]


def test_a_worse_version_is_refused_with_reasons_and_what_serves_goes_on(
    registry, serving, register
):
    with pytest.raises(GateRefusedError, match=r"score 0\.4 is below 0\.5") as caught:
        registry.promote(register("worse", 0.4), gate=GATE)
    assert len(caught.value.reasons) == 2
    assert registry.current().id == serving[-1]
    assert registry.history()[-1].action == "refused"
    assert registry.history()[-1].reasons == caught.value.reasons


def test_a_gate_may_look_at_the_files_of_both(registry, serving, register):
    seen = []

    def gate(candidate, champion):
        seen.append((candidate.read(MODEL), champion.read(MODEL)))
        return []

    registry.promote(register("d"), gate=gate)
    assert seen == [(b"d", b"c")]


def test_a_gate_that_fails_promotes_nothing(registry, serving, register):
    def broken(_candidate, _champion):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        registry.promote(register("d"), gate=broken)
    assert registry.current().id == serving[-1]
    assert registry.promote(serving[-1], gate=broken).id == serving[-1]  # it serves already


def test_rollback_walks_back_one_version_at_a_time(registry, serving, register):
    assert registry.rollback().id == registry.current().id == serving[1]
    fourth = register("d")
    registry.promote(fourth, gate=GATE)
    assert registry.rollback().id == serving[1]
    assert registry.rollback().id == serving[0]
    with pytest.raises(UnknownVersionError, match="no earlier version"):
        registry.rollback()
    assert registry.current().id == serving[0]


def test_rollback_can_name_any_version_that_served(registry, serving, register):
    assert registry.rollback(serving[0][:8]).id == serving[0]
    never = register("never promoted")
    with pytest.raises(UnknownVersionError, match="did not serve before"):
        registry.rollback(never)


def test_rollback_leaves_a_damaged_version_but_never_enters_one(registry, serving):
    damage(registry.get(serving[2]))
    assert registry.rollback().id == serving[1]
    damage(registry.get(serving[0]))
    with pytest.raises(TamperedVersionError):
        registry.rollback()
    assert registry.current().id == serving[1]


def test_registering_again_does_not_hide_damage(registry, register):
    damage(registry.get(register()))
    with pytest.raises(TamperedVersionError):
        register()


def test_a_spoiled_history_is_reported_with_its_line(registry, serving):
    journal = registry.root / "history.jsonl"
    journal.write_text(journal.read_text().replace("promoted", "invented", 1))
    with pytest.raises(UnreadableError, match="line 1 is no decision"):
        registry.history()


def test_a_second_writer_waits_its_turn_and_says_so(registry, register, tmp_path):
    name = register()
    patient = Registry(registry.root, lock_timeout_s=0.05)

    def gate(_candidate, _champion):
        with pytest.raises(RegistryBusyError, match="being written by another process"):
            patient.rollback()
        return []

    registry.promote(name, gate=gate)
    assert patient.current().id == name


def test_a_full_disk_leaves_no_version_behind(registry, serving, register, monkeypatch):
    def full(_descriptor, _data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        register("d")
    with pytest.raises(OSError, match="No space left"):
        registry.rollback()
    monkeypatch.undo()
    assert [version.id for version in registry.versions()] == serving
    assert registry.current().id == serving[-1]


@pytest.mark.parametrize(
    ("threshold", "candidate", "champion", "refused"),
    [
        (Threshold(metric="score", at_least=0.5), 0.5, None, False),
        (Threshold(metric="score", at_least=0.5), 0.4999, None, True),
        (Threshold(metric="score", at_most=2.0), 2.0, 1.0, False),
        (Threshold(metric="score", at_most=2.0), 2.1, 1.0, True),
        (Threshold(metric="score", max_drop=0.0), 0.7, 0.7, False),
        (Threshold(metric="score", max_drop=0.0), 0.6, 0.7, True),
        (Threshold(metric="score", max_drop=0.0), 0.6, None, False),
        (Threshold(metric="score", max_rise=0.1), 1.2, 1.0, True),
        (Threshold(metric="score", max_rise=0.1), 0.1, 1.0, False),
        (Threshold(metric="latency", at_least=0.0), 0.1, 1.0, True),
    ],
)
def test_thresholds(registry, register, threshold, candidate, champion, refused):
    champion = registry.get(register("champion", champion)) if champion is not None else None
    reasons = Gate(threshold)(registry.get(register("candidate", candidate)), champion)
    assert bool(reasons) is refused


def test_a_gate_without_thresholds_is_refused():
    with pytest.raises(ValueError, match="needs a threshold"):
        Gate()
