"""Replace a project's names in text that the user wrote, where no token says what a word means.

A name is replaced wherever letters and digits end beside it (``my_app`` in ``my_app_total`` as
well, as the template's own names are). A name that is also an ordinary word of the template
(``demo``, ``p``) is replaced only where the code around it leaves no doubt.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaffold.answers import Answers

_LETTER = rb"[A-Za-z0-9\x80-\xff]"
_QUOTES = b"\"'`"


@dataclass(frozen=True, slots=True)
class Names:
    """The names that stand in code: distribution, import package, environment prefix."""

    project: bytes
    package: bytes
    prefix: bytes

    @classmethod
    def of(cls, answers: Answers) -> Names:
        """Return the names of a project."""
        package = answers.package_name.encode()
        return cls(answers.project_name.encode(), package, package.upper())


@dataclass(frozen=True, slots=True)
class Renaming:
    """From one set of names to another; the names in ``doubtful`` are replaced in code only."""

    old: Names
    new: Names
    doubtful: frozenset[bytes] = frozenset()

    def __call__(self, text: bytes, path: str = "") -> bytes:
        """Return ``text``, part of the file at ``path``, with the new names, in a single pass."""
        if self.old == self.new:
            return text
        pattern = re.compile(b"(?<!%b)(?:%b)(?!%b)" % (_LETTER, self._words(), _LETTER))
        python = path.endswith((".py", ".pyi", ".ipynb"))

        def replacement(match: re.Match[bytes]) -> bytes:
            around = _Around(text, match.start(), match.end(), python=python)
            return self._replacement(match[0], around)

        return pattern.sub(replacement, text)

    def path(self, path: str) -> str:
        """Return a path with the new names."""
        return self(path.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")

    def reversed(self, doubtful: frozenset[bytes]) -> Renaming:
        """Return the way back."""
        return Renaming(self.new, self.old, doubtful)

    def _words(self) -> bytes:
        words = {self.old.project, self.old.package, self.old.prefix}
        return b"|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))

    def _replacement(self, word: bytes, around: _Around) -> bytes:
        doubtful = word in self.doubtful
        if word == self.old.prefix:
            return word if doubtful and not around.is_variable else self.new.prefix
        if word != self.old.package:
            return word if doubtful else self.new.project
        if around.is_module:
            return self.new.package
        if doubtful:
            return word
        both = self.old.project == self.old.package
        return self.new.project if both and not around.is_identifier else self.new.package


@dataclass(frozen=True, slots=True)
class _Around:
    text: bytes
    start: int
    end: int
    python: bool

    @property
    def before(self) -> bytes:
        return self.text[max(0, self.start - 12) : self.start]

    @property
    def after(self) -> bytes:
        return self.text[self.end : self.end + 2]

    @property
    def is_module(self) -> bool:
        """Imported, run as a module, its folder below src, or quoted with what is inside it."""
        if re.search(rb"(?:\bimport |\bfrom |-m )$", self.before):
            return True
        if self.before.endswith(b"src/"):
            return self.after[:1] in {b"/", b"", b"\n", b" ", b'"', b"'", b"`", b")", b","}
        quoted = self.before[-1:] and self.before[-1:] in _QUOTES
        return bool(quoted and re.match(rb"[.:][A-Za-z_]", self.after))

    @property
    def is_identifier(self) -> bool:
        """Part of an identifier, or a word in Python that isn't a whole string."""
        if b"_" in {self.before[-1:], self.after[:1]}:
            return True
        whole = (
            self.before[-1:] and self.before[-1:] in _QUOTES and self.before[-1:] == self.after[:1]
        )
        return self.python and not whole

    @property
    def is_variable(self) -> bool:
        """The prefix of an environment variable."""
        return bool(re.match(rb"_[A-Z]", self.after)) and self.before[-1:] != b"_"
