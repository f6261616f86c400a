"""Judgements from plain tables: who coded what, without a study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from belonging_llm.errors import TableError
from belonging_llm.evaluation import CodedSpan, Ratings, by_character, ratings
from belonging_llm.tables import columns, read_rows

SEGMENT, CHARACTER = "segment", "character"


@dataclass(frozen=True)
class Judgements:
    """Ratings read from tables, the kind of unit they have, and what a reader must know of the reading."""

    ratings: Ratings
    unit: str
    notes: tuple[str, ...] = ()


def read_judgements(
    codes: Path, *, coded_by: Path | None = None, segments: Path | None = None, cluster: str | None = None
) -> Judgements:
    """Read CODES, and line them up by segment, or by character where the table has spans.

    Args:
        codes: `segment_id, coder, code`, a row with an empty code saying *judged, none applies*; or
            `document_id, start, end, coder, code` when people cut the text differently.
        coded_by: `segment_id, coder`; without it coders judged exactly the segments they have rows for.
        segments: `segment_id, document_id` [`participant_id`]; says what is resampled together. With spans:
            `document_id, text`, one row a document, for its length.
        cluster: The column of `segments` that says what is resampled together; participants, else documents,
            when None.

    Raises:
        TableError: a row cannot be used; names file and row.
    """
    has = columns(codes).keys()
    if {"start", "end", "document_id"} <= has and "segment_id" not in has:
        if coded_by or cluster:
            raise TableError(
                f"{codes}: has spans, where coders judged every document they have a row for (one with an empty code "
                "when they found nothing) and documents are resampled; leave --coded-by and --cluster out"
            )
        return _by_character(codes, segments)
    rows = _filled(codes, "segment_id", "coder", "code")
    judged: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        judged[row["coder"]].add(row["segment_id"])
    notes = []
    if coded_by is not None:
        more = _filled(coded_by, "segment_id", "coder")
        said = {(row["segment_id"], row["coder"]) for row in more}
        strays = sum((row["segment_id"], row["coder"]) not in said for row in rows)
        if strays:
            notes.append(
                f"{strays} rows of {codes.name} are on segments that {coded_by.name} does not list for them; counted"
            )
        for segment_id, coder in said:
            judged[coder].add(segment_id)
    assigned = [(row["segment_id"], row["coder"], row["code"]) for row in rows if row["code"]]
    clusters, by = _clusters(segments, cluster, set().union(*judged.values()) if judged else set())
    found = ratings(judged, assigned, clusters=clusters, clustered_by=by)
    return Judgements(found, SEGMENT, tuple(notes))


def _filled(path: Path, *required: str) -> list[dict[str, str]]:
    """Rows whose names are stripped; a row without a unit or a coder is refused by its number."""
    rows = [row | {name: row[name].strip() for name in required} for row in read_rows(path, *required)]
    for number, row in enumerate(rows, 2):
        empty = [name for name in required if name != "code" and not row[name]]
        if empty:
            raise TableError(f"{path}, row {number}: {' and '.join(empty)} empty; fill it in or remove the row")
    if not rows:
        raise TableError(f"{path}: holds no rows")
    return rows


def _clusters(path: Path | None, column: str | None, wanted: set[str]) -> tuple[Mapping[str, str] | None, str | None]:
    """What each segment is resampled with, and what that is called."""
    if path is None:
        if column:
            raise TableError(f"--cluster {column} needs a segments table that has this column")
        return None, None
    rows = read_rows(path, "segment_id", *([column] if column else []))
    by = column or next((name for name in ("participant_id", "document_id") if name in rows[0]), None) if rows else None
    if by is None:
        raise TableError(f"{path}: has neither participant_id nor document_id; name a column with --cluster")
    found = {row["segment_id"].strip(): row[by].strip() for row in rows}
    lost = sorted(wanted - found.keys())
    if lost:
        shown = ", ".join(lost[:5])
        raise TableError(f"{path}: lacks {len(lost)} segments that were coded ({shown}); add them or correct their ids")
    bare = sorted(name for name in wanted if not found[name])
    if bare:
        raise TableError(f"{path}: segment {bare[0]} has no {by}; fill it in")
    return found, by


def _by_character(codes: Path, texts: Path | None) -> Judgements:
    spans, judged = [], defaultdict(set)
    for number, row in enumerate(_filled(codes, "document_id", "coder", "code"), 2):
        judged[row["coder"]].add(row["document_id"])
        if row["code"]:
            spans.append(_span(row, f"{codes}, row {number}"))
    lengths, notes = _lengths(spans, texts, set().union(*judged.values()))
    try:
        return Judgements(by_character(spans, judged=judged, lengths=lengths), CHARACTER, notes)
    except ValueError as error:
        raise TableError(f"{codes}: {error}") from error


def _span(row: dict[str, str], place: str) -> CodedSpan:
    try:
        start, end = int(row["start"]), int(row["end"])
    except ValueError as error:
        raise TableError(f"{place}: start {row['start']!r} and end {row['end']!r} must be whole numbers") from error
    return CodedSpan(row["document_id"], row["coder"], row["code"], start, end)


def _lengths(
    spans: Sequence[CodedSpan], texts: Path | None, documents: set[str]
) -> tuple[dict[str, int], tuple[str, ...]]:
    if texts is None:
        found = {name: max((s.end for s in spans if s.document == name), default=0) for name in documents}
        return {n: length for n, length in found.items() if length}, (
            "no texts were given: each document is taken to end where its last coded span ends, which counts less "
            "agreement on uncoded text than there was; give the texts with --segments",
        )
    rows = read_rows(texts, "document_id", "text")
    repeated = {row["document_id"] for row in rows if sum(r["document_id"] == row["document_id"] for r in rows) > 1}
    if repeated:
        raise TableError(f"{texts}: document {sorted(repeated)[0]} has several rows; spans need one text a document")
    return {row["document_id"].strip(): len(row["text"]) for row in rows}, ()
