"""What a file is, told by its first bytes and not by what its sender says."""

_SIGNS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
)
_UNKNOWN = "application/octet-stream"
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
CONTENT_TYPES = tuple(sorted({_UNKNOWN, *_RIFF.values(), *(kind for _, kind in _SIGNS)}))
"""Every answer of `content_type`."""


def content_type(data: bytes) -> str:
    """The media type, `application/octet-stream` for what is not known."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], _UNKNOWN)
    known = (kind for sign, kind in _SIGNS if data.startswith(sign))
    return next(known, _UNKNOWN)
