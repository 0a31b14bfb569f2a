"""Names and free text: what may take a token's place, and that it stands for itself there."""

import json
import tomllib
from html.parser import HTMLParser

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from trees import living_template

from scaffold.answers import QUESTIONS, complete, name_from, settle
from scaffold.errors import ScaffoldError
from scaffold.identity import DELIMITERS, TEXT_RULES, escape

HOSTILE = [
    'He said "hi" & left',
    'back\\slash \\n \\"',
    "<script>alert('x')</script>",
    "rocket 🚀 and 数据 and ß",
    "{{ jinja }} {% raw %} ${{ github.token }} ${HOME} $x$ %d %(x)s",
    "# heading - item + item * star _u_ `code` ~s~ [link](x) ![i](y) | cell",
    "1. first 2) second",
    "- dash",
    "> quote",
    "Portfolio Project portfolio_project portfolio-project",
    "'single'",
    "trailing backslash \\",
    "&amp; &#39; &copy;",
    "a: b, c # d",
    "{a: b}",
    "C:\\new\\tab",
    "[[table]]",
]
texts = (
    st.text(min_size=1, max_size=60)
    .map(str.strip)
    .filter(lambda text: not any(rule.broken_by(text) for rule in TEXT_RULES))
)


def hostile_text(test):
    """Try every hostile text, and whatever hypothesis thinks of."""
    for text in HOSTILE:
        test = example(text)(test)
    return given(texts)(test)


class HTMLText(HTMLParser):
    def __init__(self):
        super().__init__()
        self.text = ""
        self.attribute = ""

    def handle_starttag(self, tag, attrs):
        self.attribute = dict(attrs).get("title", self.attribute)
        self.text += f"<{tag}>" if tag != "p" else ""

    def handle_data(self, data):
        self.text += data


def markdown_text(source):
    """Return what a reader of the Markdown sees, with the kinds of blocks around it."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    kinds, text = [], []
    for token in parser.parse(source):
        kinds.append(token.type)
        for child in token.children or ():
            kinds.append(child.type)
            text.append(child.content)
    return "".join(text), set(kinds)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return living_template(tmp_path_factory.mktemp("identity"))


@pytest.fixture(scope="module")
def question():
    return {each.key: each for each in QUESTIONS}


@hostile_text
def test_text_in_double_quotes_reads_back_in_toml_yaml_and_json(text):
    quoted = f'key: "{escape(text, "quoted")}"'

    assert tomllib.loads(quoted.replace(":", " =", 1))["key"] == text
    assert yaml.safe_load(quoted)["key"] == text
    assert json.loads("{" + quoted.replace("key", '"key"', 1) + "}")["key"] == text


@hostile_text
def test_text_in_html_reads_back_from_text_and_attribute(text):
    parser = HTMLText()
    escaped = escape(text, "html")
    parser.feed(f'<p title="{escaped}">{escaped}</p>')
    parser.close()

    assert (parser.text, parser.attribute) == (text, text)


@hostile_text
def test_text_in_markdown_reads_back_wherever_it_stands(text):
    escaped = escape(text, "markdown")

    paragraph = {"paragraph_open", "inline", "text", "paragraph_close"}
    assert markdown_text(f"{escaped}\n") == (text, paragraph)
    assert markdown_text(f"# {escaped}\n")[0] == text
    assert markdown_text(f"before\n{escaped}\nafter\n")[0].replace("\n", "") == f"before{text}after"
    link, kinds = markdown_text(f"[{escaped}](docs/x.md)\n")
    assert link == text
    assert "link_open" in kinds
    cell, kinds = markdown_text(f"| a | b |\n| --- | --- |\n| {escaped} | c |\n")
    assert cell == f"ab{text}c"
    assert "td_open" in kinds


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_taken_as_it_is(tiny, question, text):
    assert settle(question["title"], text, tiny) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "needs at least one letter"),
        ("123 - 456", "needs at least one letter"),
        ("two\nlines", "line break"),
        ("bell \a", "control"),
        ("\u202eright to left", "invisible"),
        ("zero\u200bwidth", "invisible"),
        ("next\u0085line", "line break"),
        ("two  spaces", "white space"),
        ("x" * 121, "longer than 120"),
        ("half \udc80 a character", "invisible"),
        *[(f"holds {delimiter}", "must not hold") for delimiter in DELIMITERS.values()],
    ],
)
def test_text_that_no_file_can_hold_is_refused_in_one_line(tiny, question, text, complaint):
    with pytest.raises(ScaffoldError, match=complaint) as caught:
        settle(question["title"], text, tiny)

    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_text_is_normalised_so_that_equal_looks_are_equal_bytes(tiny, question):
    assert settle(question["title"], " Cafe\u0301 ", tiny) == "Caf\u00e9"


@pytest.mark.parametrize("name", ["a", "my-pipeline", "x9", "a-1-b", "n" * 40])
def test_good_project_names(tiny, question, name):
    assert settle(question["project_name"], name, tiny) == name


@pytest.mark.parametrize(
    ("name", "complaint", "better"),
    [
        ("My_Pipeline", "lower-case", "my-pipeline"),
        ("-x", "lower-case", "x"),
        ("3d-net", "begin with a letter", "d-net"),
        ("a--b", "single hyphens", "a-b"),
        ("x" * 41, "longer than 40", "x" * 40),
        ("", "lower-case", "my-tiny"),
        ("a\nb", "one line", "a-b"),
        ("scikit-learn", "template's dependencies", "my-scikit-learn"),
        ("con", "Windows", "my-con"),
        ("pip", "tool", "my-pip"),
        ("tests", "folder", "my-tests"),
    ],
)
def test_bad_project_names_are_refused_with_one_that_would_do(
    tiny, question, name, complaint, better
):
    with pytest.raises(ScaffoldError, match=complaint) as caught:
        settle(question["project_name"], name, tiny)

    if better != "my-tiny":
        assert f"project_name={better}." in str(caught.value)
        assert settle(question["project_name"], better, tiny) == better


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("class", "keyword"),
        ("match", "keyword"),
        ("json", "standard library"),
        ("imghdr", "standard library"),
        ("distutils", "standard library"),
        ("annotationlib", "standard library"),
        ("list", "built-in"),
        ("scikit_learn", "module that the template uses"),
        ("tests", "folder"),
        ("nul", "Windows"),
        ("my-name", "underscores"),
        ("Upper", "lower-case"),
        ("_private", "begin with a letter"),
        ("größe", "lower-case"),
    ],
)
def test_bad_package_names_are_refused(tiny, question, name, complaint):
    with pytest.raises(ScaffoldError, match=complaint):
        settle(question["package_name"], name, tiny)


def test_a_module_that_a_dependency_brings_under_another_name_is_taken(tmp_path, question):
    metadata = 'summary = "A"\nversion = "1"\nhighlights = []\nmodules = ["sklearn"]\n'
    template = living_template(tmp_path, metadata=metadata)

    with pytest.raises(ScaffoldError, match="module that the template uses"):
        settle(question["package_name"], "sklearn", template)


def test_modules_that_tests_import_by_their_bare_name_are_taken(tmp_path, question):
    template = living_template(tmp_path, {"tests/house.py": "", "tests/unit/test_x.py": ""})

    with pytest.raises(ScaffoldError, match="module that the template uses"):
        settle(question["package_name"], "house", template)


@pytest.mark.parametrize(
    "email", ["a@b.co", "first.last+tag@mail.example.org", "1+x@users.noreply.example.com"]
)
def test_good_addresses(tiny, question, email):
    assert settle(question["author_email"], email, tiny) == email


@pytest.mark.parametrize(
    "email", ["", "a", "a@b", "@b.co", "a b@c.de", "a@b.co\nx", 'a"@b.co', "a@-b.co", "ü@b.co"]
)
def test_bad_addresses(tiny, question, email):
    with pytest.raises(ScaffoldError, match="author_email"):
        settle(question["author_email"], email, tiny)


def test_licences_are_found_by_label_and_expression_and_guessed(tiny, question):
    assert settle(question["license"], "proprietary", tiny) == "LicenseRef-Proprietary"
    assert settle(question["license"], "LicenseRef-Proprietary", tiny) == "LicenseRef-Proprietary"
    with pytest.raises(ScaffoldError, match=r"Did you mean `Apache-2\.0`"):
        settle(question["license"], "apache", tiny)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("My Pipeline", "my-pipeline"),
        ("Münchner_Straße", "munchner-strae"),
        ("2024-fraud", "fraud"),
        ("a.b.c", "a-b-c"),
        ("管道", ""),
        ("x" * 60, "x" * 40),
        ("--", ""),
    ],
)
def test_a_project_name_is_made_of_a_folders_name(folder, name):
    assert name_from(folder) == name


def test_defaults_follow_from_the_name(tiny):
    answers = complete(tiny, {"project_name": "my-3d-net"})

    assert answers.package_name == "my_3d_net"
    assert answers.title == "My 3d Net"
    assert answers.description == "A small one"
    assert answers.license == "MIT"
    assert answers.values()["env_prefix"] == "MY_3D_NET"
