"""The words of a source, from bytes, with everything that offsets may count left in."""

from __future__ import annotations

# Some 700,000 words: no interview is longer, and every way of counting needs its own map of the text.
MOST_BYTES = 4 << 20


def decode(raw: bytes) -> tuple[str, str]:
    """A text with its own line ends and byte-order mark, and what is wrong with it (empty when nothing)."""
    if len(raw) > MOST_BYTES:
        return "", f"its text has {len(raw)} bytes, more than the {MOST_BYTES} that are read"
    for encoding in _encodings(raw):
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        return "", "its text is neither UTF-8 nor Windows-1252"
    return (text, "") if "\0" not in text else ("", "its text holds NUL characters")


def _encodings(raw: bytes) -> list[str]:
    # The little- and big-endian names keep the byte-order mark, which some programs count.
    if raw.startswith(b"\xff\xfe"):
        return ["utf-16-le"]
    if raw.startswith(b"\xfe\xff"):
        return ["utf-16-be"]
    return ["utf-8", "cp1252"]
