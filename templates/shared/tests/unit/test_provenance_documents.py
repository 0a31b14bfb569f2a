"""A document shows what a report says, or the check fails."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from runs import make_run

from portfolio_project.provenance import (
    DocumentError,
    save_report,
)
from portfolio_project.provenance.cards import (
    data_card,
    model_card,
    read_card_text,
)
from portfolio_project.provenance.figures import (
    Figures,
    write_documents,
)
from portfolio_project.provenance.markdown import (
    code,
    escape,
    table,
)


@pytest.fixture
def figures(tmp_path):
    report = {"metrics": {"recall": 0.71234567, "threshold": 0.5}, "slices": [{"name": "a|b"}]}
    save_report(tmp_path / "evaluate.json", report)
    return Figures(tmp_path, {"table": lambda: "| a |\n| --- |"})


def test_a_figure_is_filled_in_where_it_is_marked(figures):
    text = "Recall <!-- figures:evaluate/metrics/recall .3f -->?<!-- /figures -->, and more."
    filled = figures.fill(text)
    assert filled == text.replace("?", "0.712")
    assert figures.fill(filled) == filled


def test_a_mapping_and_records_become_tables(figures):
    text = figures.fill("<!-- figures:evaluate/metrics --><!-- /figures -->")
    assert "\n| recall | 0.712346 |\n" in text
    assert "| a\\|b |" in figures.render("evaluate/slices")
    assert figures.render("evaluate/slices/0/name") == "a\\|b"
    assert figures.render("table") == "\n| a |\n| --- |\n"


def test_the_columns_of_records_can_be_chosen(tmp_path):
    save_report(tmp_path / "report.json", {"rows": [{"a": 1, "b": 2, "c": 3}, {"a": 4, "c": 6}]})
    figures = Figures(tmp_path)
    assert figures.render("report/rows", "c,a") == (
        "\n| c | a |\n| ---: | ---: |\n| 3 | 1 |\n| 6 | 4 |\n"
    )
    with pytest.raises(DocumentError, match="not every record has 'b'"):
        figures.render("report/rows", "b")


def test_a_column_may_have_a_heading_and_a_format(tmp_path):
    rows = [{"name": "a", "cost": 1234.5}, {"name": "b", "cost": 6}]
    save_report(tmp_path / "report.json", {"rows": rows})
    figures = Figures(tmp_path)
    assert figures.render("report/rows", "name:what_it_is,cost:cost_in_euro:,.1f") == (
        "\n| what it is | cost in euro |\n| --- | ---: |\n| a | 1,234.5 |\n| b | 6.0 |\n"
    )
    with pytest.raises(DocumentError, match="does not fit"):
        figures.render("report/rows", "name:name:.1f")


def test_marks_in_code_are_left_alone(figures):
    shown = "`<!-- figures:x -->`\n```\n<!-- figures:x -->1<!-- /figures -->\n```\n"
    assert figures.fill(shown) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- figures:absent --><!-- /figures -->", "absent.json is missing"),
        ("<!-- figures:evaluate/nothing --><!-- /figures -->", "there is no 'nothing'"),
        ("<!-- figures:evaluate/slices/9 --><!-- /figures -->", "there is no '9'"),
        ("<!-- figures:evaluate/metrics/recall d --><!-- /figures -->", "format 'd'"),
        ("<!-- figures:evaluate/metrics -->", "not closed"),
        ("<!-- figures:a --><!-- figures:b -->1<!-- /figures -->", "not closed"),
        ("<!-- /figures -->", "not opened"),
    ],
)
def test_a_figure_that_cannot_be_filled_in_is_an_error(figures, text, message):
    with pytest.raises(DocumentError, match=message):
        figures.fill(text)


def test_a_number_typed_by_hand_is_found(figures, tmp_path):
    page = tmp_path / "README.md"
    page.write_text("x\n<!-- figures:evaluate/metrics/threshold -->0.6<!-- /figures -->\n")
    (line,) = write_documents([page], figures.fill, check=True)
    assert line.startswith(f"{page}: line 2 reads")
    assert "0.6" in page.read_text()
    assert write_documents([page], figures.fill) == [line]
    assert write_documents([page], figures.fill, check=True) == []
    assert "0.5" in page.read_text()


def test_a_report_that_is_no_json_is_named(figures, tmp_path):
    (tmp_path / "torn.json").write_text("{")
    with pytest.raises(DocumentError, match=r"torn\.json is no JSON"):
        figures.render("torn")


def plain_text(markdown):
    """Return what a reader sees, and the kinds of markup that were in it."""
    (inline,) = [token for token in MarkdownIt().parse(markdown) if token.type == "inline"]
    kinds = {child.type for child in inline.children}
    return "".join(child.content for child in inline.children), kinds


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1))
def test_an_escaped_value_reads_as_itself_and_is_never_markup(text):
    seen, kinds = plain_text(f"x{escape(text)}x")
    assert seen == f"x{text}x"
    assert kinds <= {"text", "text_special"}


@pytest.mark.parametrize("odd", ["a|b", "`|`", "two\nlines", "<script>alert(1)</script>"])
def test_no_value_breaks_out_of_its_cell(odd):
    row = table(["a", "b"], [[code(odd), escape(odd)]]).splitlines()[-1]
    html = MarkdownIt().enable("table").render(f"| a | b |\n| --- | --- |\n{row}\n")
    assert html.count("<td>") == 2
    assert "<script>" not in html


CARD_TEXT = """
[model]
purpose = "Scores."
intended_use = "Triage."
out_of_scope = "Blocking."
factors = "Amount."
evaluation = "Held out."
ethical_considerations = "Review."
caveats = "Simulated."
[data]
motivation = "Teaching."
composition = "Rows."
collection = "Simulated."
processing = "Replay."
privacy = "No person."
limits = "One city."
"""


@pytest.fixture
def card_text(tmp_path):
    path = tmp_path / "card-text.toml"
    path.write_text(CARD_TEXT)
    return read_card_text(path)


def test_cards_show_what_the_manifests_hold(card_text, tmp_path):
    _, run = make_run(tmp_path, score=0.75)
    for card in (model_card(run, card_text.model), data_card(run, card_text.data)):
        assert f"`{run.code_sha256[:12]}`" in card
        assert "| `score` | 0.75 |" in card
        assert f"| `model.bin` | 7 | `{run.outputs['model.bin'].sha256[:12]}` |" in card


def test_a_value_in_a_card_cannot_be_markup(card_text, tmp_path):
    _, run = make_run(tmp_path)
    config = {"note": "<img src=x>|**bold**", "names": ["a", "b|c"], "rows": 1234.0}
    run = run.model_copy(update={"config": config})
    card = model_card(run, card_text.model)
    assert "| `names` | `a`, `b¦c` |\n| `note` |" in card
    assert "| `rows` | 1,234 |" in card
    assert "&lt;img src=x&gt;\\|\\*\\*bold\\*\\*" in card


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda text: text.replace("caveats", "caveat"), r"model\.caveats"),
        (lambda text: text.replace('"One city."', '""'), r"data\.limits"),
        (lambda text: text + "[model]", "is no TOML"),
    ],
)
def test_a_card_without_its_judgement_is_refused(tmp_path, spoil, message):
    path = tmp_path / "card-text.toml"
    path.write_text(spoil(CARD_TEXT))
    with pytest.raises(DocumentError, match=message):
        read_card_text(path)


def test_reports_are_rounded_so_that_the_last_bits_do_not_show(tmp_path):
    save_report(tmp_path / "r.json", {"b": 0.1 + 0.2, "a": 1})
    assert json.loads((tmp_path / "r.json").read_text()) == {"a": 1, "b": 0.3}
    with pytest.raises(ValueError, match="not a finite number"):
        save_report(tmp_path / "r.json", {"b": float("inf")})
