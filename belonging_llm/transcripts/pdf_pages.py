"""The text of a PDF's pages, as JSON: a program of its own, so that a hostile file can be stopped.

A PDF is a program's worth of structure: streams that unpack to gigabytes, objects that refer in circles. This runs
apart from everything else, under limits of memory and processor time that the operating system keeps.
"""

from __future__ import annotations

import io
import json
import logging
import sys

MOST_CHARACTERS = 4 << 20


def main() -> None:
    """Read a PDF from standard input; write `{"pages": [...]}` or `{"problem": "..."}` to standard output."""
    logging.disable(logging.CRITICAL)
    seconds, megabytes = int(sys.argv[1]), int(sys.argv[2])
    _limit(seconds, megabytes)
    try:
        found: dict[str, object] = {"pages": _pages(sys.stdin.buffer.read())}
    except MemoryError:
        found = {"problem": "unpacks to more than a transcript ever holds"}
    except RecursionError:
        found = {"problem": "refers to itself in circles"}
    except ValueError as error:
        found = {"problem": str(error)}
    json.dump(found, sys.stdout)


def _pages(raw: bytes) -> list[str]:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, LimitReachedError, PyPdfError

    try:
        reader = PdfReader(io.BytesIO(raw))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ValueError("is encrypted; save it without a password and import again")
        pages, size = [], 0
        for page in reader.pages:
            # Extraction passes over what it cannot unpack; asking for it first says so.
            page.get_contents()
            text = page.extract_text()
            size += len(text)
            if size > MOST_CHARACTERS:
                raise ValueError("holds more text than any interview; divide it by interview")
            # Broken fonts give halves of characters, and characters that no text file holds.
            pages.append(text.encode("utf-8", "replace").decode().replace("\0", "\ufffd"))
    except DependencyError as error:
        raise ValueError("is encrypted; save it without a password and import again") from error
    except LimitReachedError as error:
        raise MemoryError from error
    except (PyPdfError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, OSError) as error:
        # What pypdf raises on damaged files, found by flipping bits.
        raise ValueError("is damaged, or no PDF; open it, print it to a new PDF and import that") from error
    return pages


def _limit(seconds: int, megabytes: int) -> None:
    """Have the operating system stop this program in time; Windows has no such limits."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))


if __name__ == "__main__":
    main()
