"""A suite file, and the data set it names, lined up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from belonging_llm import codebook, resources, tables, transcripts
from belonging_llm.codebook import Framework
from belonging_llm.errors import InputError
from belonging_llm.evaluation.estimate import Floats, ratio
from belonging_llm.segments import Segment, split
from belonging_llm.study import DEFAULT_FRAMEWORK, AuditSettings


class Suite(BaseModel):
    """What a suite file says.

    Attributes:
        sample: The built-in sample with its three coders, instead of tables in a folder.
        segments: Names of the tables in the data folder; likewise `codebook`, `codes`, `coded_by` (may be empty).
        most: Segments to use, drawn with the seed; all when 0.
        splits: Random splits by document.
        teach: Numbers of human-coded segments to learn from.
        calibrate: Segments that are kept for calibration where something was learned.
        ask: Shares of the test segments that the language model is asked about.
        min_positives: Codes with fewer positives by any coder are left out.
        floors: Macro kappa that must be reached, by number of segments taught.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str = ""
    sample: bool = False
    segments: str = "segments.csv"
    codebook: str = "codebook.csv"
    codes: str = "codes.csv"
    coded_by: str = ""
    document: str = "document_id"
    most: int = 0
    splits: int = Field(5, ge=1)
    seed: int = 0
    teach: tuple[int, ...] = (0, 8, 16, 32, 64, 100)
    calibrate: int = 60
    ask: tuple[float, ...] = (0.0,)
    min_positives: int = 15
    floors: dict[int, float] = Field(default_factory=dict)


@dataclass(frozen=True)
class Data:
    """A data set, lined up.

    Attributes:
        marks: Coders × segments × codes: 1, 0, or -1 where a coder did not judge.
        documents: Document of each segment, as integers.
    """

    segments: list[Segment]
    framework: Framework
    coders: tuple[str, ...]
    marks: NDArray[np.int8]
    documents: NDArray[np.intp]

    @property
    def shares(self) -> Floats:
        """Share of the coders who judged each segment that gave each code; NaN where nobody judged."""
        judged = (self.marks >= 0).sum(0)
        return ratio((self.marks == 1).sum(0), judged)


def read_suite(path: Path) -> Suite:
    """Read a suite file.

    Raises:
        InputError: unreadable, or against the schema.
    """
    try:
        return Suite.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise InputError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"{path}: cannot be read as a suite: {error}") from error


def read_data(suite: Suite, folder: Path | None) -> Data:
    """Read a suite's data.

    Args:
        folder: Where its tables lie; not needed for the sample.

    Raises:
        InputError: a table is missing or cannot be used.
    """
    if suite.sample:
        return _sample(suite)
    if folder is None:
        raise InputError(f"suite {suite.name}: name the folder with its tables (--data FOLDER)")
    rows = tables.read_rows(folder / suite.segments, "segment_id", "text")
    book = folder / suite.codebook
    if book.suffix in {".yaml", ".yml"}:
        framework = codebook.read_yaml(book)
    else:
        framework = codebook.from_rows(tables.read_rows(book, "code"), name=suite.name, place=str(book))
    if suite.most and suite.most < len(rows):
        keep = np.random.default_rng(suite.seed).choice(len(rows), suite.most, replace=False)
        rows = [rows[i] for i in sorted(keep)]
    given = tables.read_rows(folder / suite.codes, "segment_id", "coder", "code")
    listed = tables.read_rows(folder / suite.coded_by, "segment_id", "coder") if suite.coded_by else []
    names = [row.get(suite.document, "") for row in rows]
    return _lined_up(suite, [_segment(row) for row in rows], names, framework, given, listed)


def _sample(suite: Suite) -> Data:
    """The sample as its coders read it, the adjudicator left out: people who settle are no raw coders."""
    files = sorted(resources.path("data", "sample", "transcripts").iterdir())
    segments = [segment for file in files for segment in split(transcripts.read(file))]
    rows = tables.read_rows(resources.path("data", "sample", "gold", "codings.csv"), "segment_id", "coder", "code")
    given = [row for row in rows if row["coder"] != AuditSettings().adjudicator]
    framework = codebook.load(DEFAULT_FRAMEWORK)
    return _lined_up(suite, segments, [s.document for s in segments], framework, given, [])


def _lined_up(
    suite: Suite,
    segments: list[Segment],
    names: Sequence[str],
    framework: Framework,
    given: Sequence[Mapping[str, str]],
    listed: Sequence[Mapping[str, str]],
) -> Data:
    """Everybody's marks as one array.

    Args:
        names: Document of each segment.
        given: Codings; `listed` who else judged what.
    """
    place = {segment.id: i for i, segment in enumerate(segments)}
    given = [row for row in given if row["segment_id"] in place]
    judged = [*given, *(row for row in listed if row["segment_id"] in place)]
    coders = sorted({row["coder"] for row in judged})
    ids = [code.id for code in framework.assignable]
    marks = np.full((len(coders), len(segments), len(ids)), -1, np.int8)
    for row in judged:
        marks[coders.index(row["coder"]), place[row["segment_id"]]] = 0
    for row in given:
        if row["code"] in ids:
            marks[coders.index(row["coder"]), place[row["segment_id"]], ids.index(row["code"])] = 1
    # Segments of no known document stand each for themselves.
    alone = len(set(names)) < suite.splits + 1
    kinds = {name: i for i, name in enumerate(dict.fromkeys(names))}
    documents = np.arange(len(segments)) if alone else np.array([kinds[name] for name in names])
    return Data(segments, framework, tuple(coders), marks, documents.astype(np.intp))


def _segment(row: Mapping[str, str]) -> Segment:
    return Segment(
        id=row["segment_id"],
        transcript_id="",
        document=row.get("document_id", ""),
        participant=row.get("document_id", ""),
        turn=1,
        part=1,
        start=0,
        end=len(row["text"]),
        text=row["text"],
    )
