"""A living template becomes a tree: what is kept, what is left out, what is refused."""

from pathlib import Path

import pytest
from trees import TINY, living_template, write_files

from scaffold.compile import ANSWERS_FILE, compile_template
from scaffold.errors import ScaffoldError
from scaffold.tree import File, read_tree, tree_digest


def compiled(tmp_path, **files):
    return compile_template(living_template(tmp_path, {**TINY, **files}))


def refusal(tmp_path, **files):
    with pytest.raises(ScaffoldError) as caught:
        compiled(tmp_path, **files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_tree_is_the_project_without_metadata_and_licence_and_with_a_record(tmp_path):
    tree = compiled(tmp_path)

    assert list(tree) == sorted({*TINY, ANSWERS_FILE} - {"LICENSE"})
    assert tree["run.sh"].executable
    assert not tree["README.md"].executable


def test_compiling_twice_gives_the_same_digest(tmp_path):
    first = compiled(tmp_path / "one")
    second = compiled(tmp_path / "two")

    assert tree_digest(first) == tree_digest(second)
    assert tree_digest(first) != tree_digest({**first, "run.sh": File(first["run.sh"].data)})


def test_binary_files_and_line_ends_are_kept_as_they_are(tmp_path):
    raw = {"logo.png": b"\x89PNG\r\n\x1a\n\0\xff", "dos.csv": b"a,b\r\n1,2\r\n", "l1.txt": b"\xe9"}

    tree = compiled(tmp_path, **raw)

    assert {path: tree[path].data for path in raw} == raw


def test_links_become_the_files_they_lead_to(tmp_path):
    write_files(
        tmp_path / "templates/shared", {"room/door.py": "x = 1\n", "make": ("all:\n", 0o755)}
    )

    tree = compiled(
        tmp_path,
        **{
            "src/portfolio_project/room": Path("../../../shared/room"),
            "Makefile": Path("../shared/make"),
        },
    )

    assert tree["src/portfolio_project/room/door.py"].data == b"x = 1\n"
    assert tree["Makefile"] == File(b"all:\n", executable=True)


def test_what_git_ignores_is_left_out_by_the_innermost_gitignore(tmp_path):
    ignore = "*.log\n/build/\n.venv/\n__pycache__/\n"
    files = {
        ".gitignore": ignore,
        "a.log": "x",
        "build/out": "x",
        "docs/build/kept": "x",
        "src/portfolio_project/__pycache__/m.pyc": b"\0",
        "data/.gitignore": "*\n!.gitignore\n!keep.log\n",
        "data/lost.csv": "x",
        "data/keep.log": "x",
        ".git/config": "x",
        ".venv/bin/python": "x",
    }

    tree = compiled(tmp_path, **files)

    expected = {".gitignore", "docs/build/kept", "data/.gitignore", "data/keep.log"}
    assert set(tree) - set(TINY) - {ANSWERS_FILE} == expected


def test_a_link_that_leaves_the_templates_is_refused(tmp_path):
    write_files(tmp_path, {"outside/file": "x"})

    message = refusal(tmp_path, leak=Path("../../outside/file"))

    assert "leak is a link that leaves templates/" in message


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"gone": Path("nowhere")}, "gone is a link to nowhere"),
        ({"src/loop": Path("..")}, "src/loop is a link to a folder that contains it"),
        ({"self": Path("self")}, "self is a link to nowhere"),
        ({"a.md": "x @{= y"}, "a.md holds @{="),
        ({"b.bin": b"\xff@{#"}, "b.bin holds @{#"),
        ({"c.txt": b"\xe9 portfolio-project"}, "c.txt holds a token but isn't UTF-8"),
        ({"d.txt": b"portfolio-project\r\n"}, "d.txt holds a token and a carriage return"),
        ({"e.md": "\ufeffportfolio-project"}, "byte-order mark"),
        ({"README.MD2": "", "readme.md2": ""}, "differs from README.MD2 in case only"),
        ({"what?.txt": ""}, "what?.txt has a name that Windows can't hold"),
        ({"docs/Portfolio Project.md": ""}, "has a token in its name that isn't a name"),
        ({"copier.yml": ""}, "copier.yml is a file that scaffold writes itself"),
    ],
)
def test_what_cannot_be_given_every_identity_is_refused_by_name(tmp_path, files, complaint):
    assert complaint in refusal(tmp_path, **files)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("src/portfolio_project/x.py", 'TITLE = "Portfolio Project"\n'),
        ("run.sh", "echo Portfolio Author\n"),
        ("x.toml", "title = 'Portfolio Project'\n"),
        ("x.yaml", "title: Portfolio Project\n"),
        ("x.yaml", 'a: "b" # c\ntitle: A portfolio project.\n'),
        (".github/workflows/ci.yml", 'name: "Portfolio Project"\n'),
        ("compose.yaml", 'name: "Portfolio Project"\n'),
        ("x.html", "<script>const title = 'Portfolio Project'</script>\n"),
        ("x.html", "<style>/* Portfolio Project */</style>\n"),
        ("x.md", "Run `Portfolio Project` now.\n"),
        ("x.md", "text\n\n```text\nPortfolio Project\n```\n"),
        ("x.md", '---\ntitle: "Portfolio Project"\n---\ntext\n'),
        ("x.md", "<h1>Portfolio Project</h1>\n"),
    ],
)
def test_free_text_is_refused_where_nothing_can_escape_it(tmp_path, path, text):
    message = refusal(tmp_path, **{path: text})

    assert message.startswith(f"the template can't be compiled: {path}:")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("x.toml", '# Portfolio Project\ntitle = "by \\"x\\" Portfolio Author"\n'),
        ("x.yaml", '# A portfolio project.\ntitle: "Portfolio Project" # by "x"\n'),
        ("x.md", "| Portfolio Project |\n\n```sh\nportfolio-project\n```\n\nPortfolio Author\n"),
        ("x.html", '<p title="Portfolio Project">Portfolio Project</p><script>1</script>\n'),
        ("src/portfolio_project/x.py", "from portfolio_project import y\n"),
    ],
)
def test_free_text_is_taken_where_it_is_safe(tmp_path, path, text):
    assert compiled(tmp_path, **{path: text})[path].data == text.encode()


def test_incomplete_metadata_is_refused(tmp_path):
    with pytest.raises(ScaffoldError, match=r"tiny/template.toml has no summary"):
        living_template(tmp_path, metadata='version = "1"\n')
    with pytest.raises(ScaffoldError, match=r"template.toml can't be read"):
        living_template(tmp_path, metadata="= oops")


def test_reading_a_folder_back_gives_the_tree_that_was_written(tmp_path):
    write_files(tmp_path, {"a/b.txt": "x", "run": ("y", 0o755), ".git/config": "z"})

    assert read_tree(tmp_path) == {"a/b.txt": File(b"x"), "run": File(b"y", executable=True)}
