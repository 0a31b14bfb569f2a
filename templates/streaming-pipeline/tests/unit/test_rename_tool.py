"""The words of the domain change everywhere, in every case, or nowhere."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "rename.py"
CODE = "class CardState:\n    CARD_DAYS = card_id = 1  # cards on a discard pile; the model card\n"


@pytest.fixture
def rename(tmp_path):
    """Run the tool on a little project; returns (exit code, what it says, the code after)."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "src" / "serving").mkdir(parents=True)
    shutil.copy(TOOL, tmp_path / "tools")
    (tmp_path / "src" / "serving" / "auth.py").write_text("card = 1\n")
    (tmp_path / "src" / "state.py").write_text(CODE)

    def run(*words):
        command = [sys.executable, str(tmp_path / "tools" / "rename.py"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert (tmp_path / "src" / "serving" / "auth.py").read_text() == "card = 1\n"
        return done.returncode, done.stderr, (tmp_path / "src" / "state.py").read_text()

    return run


def test_every_case_and_the_plural_but_no_part_of_a_word(rename):
    code, _, after = rename("card=wind_mill")
    assert code == 0
    assert after == (
        "class WindMillState:\n"
        "    WIND_MILL_DAYS = wind_mill_id = 1  # wind_mills on a discard pile; the model card\n"
    )


def test_words_can_change_places(rename):
    _, _, after = rename("card=pile", "pile=card")
    assert "pile_id = 1  # piles on a discard card" in after


@pytest.mark.parametrize(
    ("words", "complaint"),
    [(["card=pile"], "'pile' means something"), (["Card=x"], "OLD=NEW"), ([], "OLD=NEW")],
    ids=["taken", "wrong case", "nothing"],
)
def test_what_cannot_be_done_is_said_in_a_line_and_changes_nothing(rename, words, complaint):
    code, said, after = rename(*words)
    assert code == 2
    assert complaint in said
    assert len(said.splitlines()) == 1
    assert after == CODE
