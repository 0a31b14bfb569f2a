"""What a source tells of one sample before anything was looked at, and the way to tell of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..preprocess import BadMedia

Media = Path | bytes | None
"""A file that is not read yet, its bytes, or nothing."""

NAMES: dict[str, tuple[str, ...]] = {
    "image": ("image", "file_name", "filename", "path"),
    "caption": ("caption", "text"),
    "sound": ("sound", "audio", "sound_file"),
    "split": ("split",),
}
"""What the fields of a sample may be called; the first that is there counts."""

_KNOWN = {spelling for spellings in NAMES.values() for spelling in spellings}
_MOST_FACETS, _LONGEST_NAME, _LONGEST_VALUE = 30, 60, 120


@dataclass(frozen=True, slots=True)
class Record:
    """One sample as its source tells it.

    Attributes:
        source: the file that tells of it.
        line: its number there, from 1.
        told: its fields, named as in `NAMES`, for the check and for the dead letter.
        image: the picture.
        sound: the sound, if there is one.
        facets: what else its source says of it, to filter by; see `facets_in`.
        fault: why it cannot be taken, if the source itself knows.
        read: how much of the source was read with it, in the unit of `Source.size`.
    """

    source: str
    line: int
    told: Mapping[str, object]
    image: Media = None
    sound: Media = None
    facets: Mapping[str, str] = field(default_factory=dict)
    fault: str = ""
    read: int = 0

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.told.get('image', 'a sample')} ({self.source}, {self.line})"


@dataclass(frozen=True, slots=True)
class Source:
    """Records, each read only when it is asked for.

    Attributes:
        records: in the order of the source.
        size: how much there is to read.
        files: the files that tell of the samples, by name, for the manifest.
        identity: what else says which data these are.
    """

    records: Iterator[Record]
    size: int
    files: Mapping[str, Path] = field(default_factory=dict)
    identity: str = ""


def named(row: Mapping[str, object]) -> dict[str, object]:
    """The fields of a row under the names that we use; all others are left out."""
    found: dict[str, object] = {}
    for name, spellings in NAMES.items():
        given = (row.get(spelling) for spelling in spellings)
        value = next((one for one in given if one is not None and one != ""), None)
        if value is not None:
            found[name] = value
    return found


def facets_in(row: Mapping[str, object]) -> dict[str, str]:
    """The other fields of a row, if they are short texts, numbers or yes and no; not too many."""
    found: dict[str, str] = {}
    for name, value in row.items():
        if name in _KNOWN or not isinstance(value, str | int | float):
            continue
        said = " ".join(str(value).split())
        if 0 < len(name) <= _LONGEST_NAME and 0 < len(said) <= _LONGEST_VALUE:
            found[name] = said
    return dict(list(found.items())[:_MOST_FACETS])


def read_media(media: Path | bytes, most: int) -> bytes:
    """The bytes of a file, unless there are more than `most`. Raises BadMedia."""
    if isinstance(media, bytes):
        return media
    try:
        if media.stat().st_size > most:
            raise BadMedia(f"the file has more than {most:,} bytes")
        return media.read_bytes()
    except FileNotFoundError:
        raise BadMedia("there is no such file") from None
    except OSError as error:
        raise BadMedia(f"the file cannot be read: {error.strerror}") from None
