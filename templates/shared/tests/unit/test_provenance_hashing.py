"""Content has one name, whatever its storage, and another name when it changes."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portfolio_project.provenance import (
    canonical_json,
    hash_package_code,
    hashing,
    rounded,
    sha256_file,
    sha256_json,
    sha256_tree,
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4
        )
    ),
    max_leaves=20,
)


def make_tree(root):
    (root / "b").mkdir(parents=True)
    (root / "b" / "z.txt").write_text("z")
    (root / "a.txt").write_text("a")
    return root


def test_a_file_is_hashed_as_sha256sum_does(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(b"0123456789" * 100_000)
    assert sha256_file(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_equal_trees_have_one_name_however_they_were_written(tmp_path):
    first = make_tree(tmp_path / "first")
    second = tmp_path / "second"
    second.mkdir()
    (second / "a.txt").write_text("a")
    (second / "b").symlink_to(first / "b")  # a linked folder counts as what it holds
    (second / "__pycache__").mkdir()
    (second / "__pycache__" / "x.pyc").write_bytes(b"bytecode")
    assert sha256_tree(first) == sha256_tree(second)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "a.txt").write_text("b"),
        lambda root: (root / "a.txt").rename(root / "c.txt"),
        lambda root: (root / "a.txt").chmod(0o755),
        lambda root: (root / "new.txt").touch(),
        lambda root: (root / "b" / "z.txt").unlink(),
    ],
    ids=["content", "name", "mode", "added", "removed"],
)
def test_a_tree_that_changed_has_another_name(tmp_path, change):
    root = make_tree(tmp_path / "root")
    before = sha256_tree(root)
    change(root)
    assert sha256_tree(root) != before


def test_a_tree_can_be_hashed_in_part(tmp_path):
    root = make_tree(tmp_path / "root")
    before = sha256_tree(root, keep=lambda name: name.startswith("b/"))
    (root / "a.txt").write_text("changed")
    assert sha256_tree(root, keep=lambda name: name.startswith("b/")) == before


def test_links_in_a_circle_are_an_error_not_an_endless_walk(tmp_path):
    (tmp_path / "loop").symlink_to(tmp_path)
    with pytest.raises(OSError, match="loop"):
        sha256_tree(tmp_path)


@given(json_values)
def test_canonical_json_is_one_spelling_that_reads_back(value):
    spelled = canonical_json(value)
    assert json.loads(spelled) == value
    assert canonical_json(json.loads(spelled)) == spelled


def test_the_order_of_keys_does_not_matter():
    assert sha256_json({"a": 1, "b": [2]}) == sha256_json({"b": [2], "a": 1})


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), "\ud800"])
def test_what_json_cannot_say_is_refused(odd):
    with pytest.raises(ValueError, match=r"JSON|surrogates"):
        canonical_json({"value": odd})


def test_rounding_makes_the_last_bits_of_a_sum_irrelevant():
    forwards = (0.1 + 0.2) + 0.7
    assert forwards != 0.1 + (0.2 + 0.7)
    value = {
        "sum": forwards,
        "array": np.array([0.1 + 0.2]),
        "one": np.float32(0.1),
        "minus": -1e-9,
    }
    assert rounded(value) == {"sum": 1.0, "array": [0.3], "one": 0.1, "minus": 0.0}
    assert str(rounded(-1e-9)) == "0.0"


def test_rounding_refuses_what_is_no_number():
    with pytest.raises(ValueError, match="not a finite number"):
        rounded([1.0, float("nan")])


def test_the_code_hash_covers_the_shared_rooms(monkeypatch, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "a.py").write_text("A = 1\n")
    room = tmp_path / "room"
    room.mkdir()
    (room / "b.py").write_text("B = 1\n")
    (package / "room").symlink_to(room)
    monkeypatch.setattr(hashing, "PACKAGE", package)
    before = hash_package_code()
    (package / "page.html").write_text("no code")
    assert hash_package_code() == before
    (room / "b.py").write_text("B = 2\n")
    assert hash_package_code() != before
