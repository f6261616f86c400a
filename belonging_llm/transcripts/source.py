"""Where a transcript's words stand in the file that they came from."""

from __future__ import annotations

from bisect import bisect_right
from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Unit(StrEnum):
    """What a file is counted in."""

    FILE = "file"
    CUE = "cue"
    PARAGRAPH = "paragraph"
    PAGE = "page"
    ROW = "row"


class Anchor(BaseModel):
    """A stretch of the transcript's text and its place in the source.

    Where both stretches are equally long the words were copied, and every place between maps by counting;
    elsewhere (`&amp;`) the stretches stand for each other as wholes. What a reader wrote itself (a space between
    two cues, a speaker's label out of a table) has no anchor.

    Attributes:
        start: First code point of `Transcript.text`.
        end: One past the last.
        unit: What the source is counted in.
        number: Which cue, paragraph, page or row, from 1 in the file's order (rows as spreadsheets count them,
            the header being row 1); 1 for the file as a whole.
        first: First code point in the source. For `file` and `cue`: of the decoded file after its byte-order mark,
            line ends as they are. For `paragraph`, `page` and `row`: of that paragraph, page or cell.
        last: One past the last.
        detail: The cue's beginning as the file writes it, or the row's column.
        whole: The stretches stand for each other as wholes even where they are equally long: the text has a
            replacement.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: int
    end: int
    unit: Unit
    number: int
    first: int
    last: int
    detail: str = ""
    whole: bool = False

    @property
    def copied(self) -> bool:
        """Whether the source holds these very characters."""
        return not self.whole and self.end - self.start == self.last - self.first

    def clipped(self, start: int, end: int) -> Anchor:
        """The part that lies inside a stretch of the text; whole where the words were not copied."""
        if not self.copied:
            return self
        low, high = max(start, self.start), min(end, self.end)
        first = self.first + low - self.start
        return self.model_copy(update={"start": low, "end": high, "first": first, "last": first + high - low})


class Source(BaseModel):
    """The file behind a transcript.

    Attributes:
        format: What it was read as.
        encoding: How its characters were stored; empty where the format says so itself.
        digest: sha256 of its bytes.
        anchors: Offset map, in the order of the text.
        notes: What was left out, joined or assumed, with counts; people read these after an import.
        deidentified: Words of the file were replaced in the text since.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str
    encoding: str = ""
    digest: str
    anchors: tuple[Anchor, ...]
    notes: tuple[str, ...] = ()
    deidentified: bool = False

    def places(self, start: int, end: int) -> list[Anchor]:
        """Where a stretch of the text comes from, in order; empty if a reader wrote all of it."""
        at = bisect_right(self.anchors, start, key=lambda anchor: anchor.end)
        found = []
        for anchor in self.anchors[at:]:
            if anchor.start >= end:
                break
            found.append(anchor.clipped(start, end))
        return found
