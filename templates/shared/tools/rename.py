"""Give the domain other names: `python tools/rename.py card=bike amount_cents=metres`.

Renames each word in the code, tests, documents and reports of the project's own rooms: as a part of
an identifier or of a sentence, in the singular and the plural, in lower, Title and UPPER case. The
rooms that know nothing of the domain (serving, provenance) are left alone. Nothing is written if a
new word is in use already: two meanings would become one.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = ("src", "tests", "benchmarks", "docs", "reports", "README.md")
LEFT_ALONE = re.compile(
    r"(^|/)(serving|provenance|__pycache__|\w*adapting\w*\.\w+)(/|$)|_(serving|provenance)_"
)
TEXT = {".py", ".md", ".toml", ".json", ".html", ".js", ".css"}
# Documents of the provenance room, whatever the domain calls its cards.
KEPT_BEFORE = "".join(f"(?<!{word}{sep})" for word in ("model", "data") for sep in "-_ ")
KEPT_AFTER = "(?!-text)"


def camel(word: str) -> str:
    """Return card_holder as CardHolder."""
    return "".join(part.title() for part in word.split("_"))


def cases(word: str) -> tuple[str, str, str]:
    """Return how a word is written: in snake_case, in CamelCase and in UPPER case."""
    return word, camel(word), word.upper()


def pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of `words` as a word of its own or as a part of a name."""
    found = [
        form
        for word in sorted(words, key=len, reverse=True)  # amount_cents before amount
        for form in (
            rf"(?<![A-Za-z]){word}(?=s?(?![A-Za-z]))",
            rf"(?<![A-Z]){camel(word)}(?=s?(?![a-z]))",
            rf"(?<![A-Za-z]){word.upper()}(?=S?(?![A-Za-z]))",
        )
    ]
    return re.compile(f"{KEPT_BEFORE}(?:{'|'.join(found)}){KEPT_AFTER}")


def files() -> list[Path]:
    """Return the files that speak of the domain. Links are not followed: they are shared."""
    found = [
        path for place in PLACES for path in sorted([ROOT / place, *(ROOT / place).rglob("*")])
    ]
    return [
        path
        for path in found
        if path.suffix in TEXT
        and path.is_file()
        and not any(part.is_symlink() for part in (path, *path.parents) if part != ROOT)
        and not LEFT_ALONE.search(path.relative_to(ROOT).as_posix())
    ]


def read_words(arguments: list[str]) -> dict[str, str]:
    """Return old -> new. Raises ValueError with one line for whoever typed it."""
    words: dict[str, str] = {}
    for argument in arguments:
        if not re.fullmatch(r"[a-z]+(_[a-z]+)*=[a-z]+(_[a-z]+)*", argument):
            raise ValueError(f"{argument!r}: give OLD=NEW, in lower case and the singular")
        old, _, new = argument.partition("=")
        words[old] = new
    if not words:
        raise ValueError("give OLD=NEW, for instance card=bike")
    return words


def refuse_taken(words: dict[str, str], texts: dict[Path, str]) -> None:
    """Raise ValueError if a new word is in use: two meanings would become one."""
    if not (fresh := set(words.values()) - words.keys()):
        return
    wanted = pattern(fresh)
    for path, text in texts.items():
        if path.suffix != ".md" and (taken := wanted.search(text)):
            where = path.relative_to(ROOT)
            raise ValueError(f"{taken[0]!r} means something in {where}; choose another word")


def main(arguments: list[str]) -> int:
    """Rename, and say how much; 2 and one line if that cannot be done."""
    texts = {path: path.read_text(encoding="utf-8") for path in files()}
    try:
        words = read_words(arguments)
        refuse_taken(words, texts)
    except ValueError as error:
        print(f"rename: {error}", file=sys.stderr)
        return 2
    renamed = {
        before: after
        for old, new in words.items()
        for before, after in zip(cases(old), cases(new), strict=True)
    }
    wanted = pattern(words)
    count = 0
    for path, before in texts.items():
        after, found = wanted.subn(lambda match: renamed[match[0]], before)
        count += found
        if found:
            path.write_text(after, encoding="utf-8")
    print(f"renamed {count:,} words; `make format` puts the lines in order")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
