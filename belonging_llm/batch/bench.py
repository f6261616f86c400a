"""A study with its models opened, as a batch sees it: its own segments alone, and what its base has learned."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

import numpy as np

from belonging_llm import codes
from belonging_llm.analysis import Workbench, cutting
from belonging_llm.analysis.bench import Asking
from belonging_llm.analysis.freezing import freeze
from belonging_llm.analysis.job import Done
from belonging_llm.auditing.lessons import NOTHING, Teaching
from belonging_llm.batch.job import BatchJob
from belonging_llm.codes import Coder, Example, Lessons, Weighed, Word
from belonging_llm.codes.signals import Floats
from belonging_llm.embeddings import Encoder, HasMiddle, Vectors
from belonging_llm.errors import StudyError
from belonging_llm.segments import Segment
from belonging_llm.store import KeptCoder, Run


@lru_cache(maxsize=2)
def batch_bench(job: BatchJob, run_id: str) -> BatchBench:
    """The tools for a batch, made once per process."""
    return BatchBench(job, run_id)


class BatchBench(Workbench):
    """What the stages of a batch share."""

    def __init__(self, job: BatchJob, run_id: str) -> None:
        """Open the study and name the models.

        Raises:
            StudyError, InputError, ModelError: the study or a model cannot be opened; or somebody saved another
                codebook since the batch began.
        """
        super().__init__(job.whole)
        run = self.store.runs.get(run_id)
        self._demand_codebook(run)
        self.base_id = run.base_id or run.id
        self.batch_id = run.id
        self.encoder = _alone(self.encoder)

    def _demand_codebook(self, run: Run) -> None:
        """What was learned has a column for each code of the base's codebook; another one cannot be coded with it."""
        was = run.settings["codebook"]["digest"]
        if self.framework.digest != was:
            books = self.study.store.codebooks
            raise StudyError(
                f"{self.study.folder}: the codebook was changed while batch {run.id} was under way (to version "
                f"{books.number(self.framework.digest)}), so its codings would not be one set; bring back the version "
                f"it began with (`belonging codebook edit STUDY --restore {books.number(was) or 'VERSION'}`) and run "
                "`belonging batch` again, or code everything anew: `belonging batch --recode`"
            )

    @cached_property
    def segments(self) -> list[Segment]:
        """The batch's segments, those to be tried again among them, in canonical order."""
        batches, corpus = self.store.batches, self.store.corpus
        again = corpus.segments_with(batches.retried(self.batch_id))
        fresh = corpus.segments_of(batches.parts(self.batch_id))
        return sorted([*fresh, *again], key=lambda s: (s.text_digest, s.id))

    @cached_property
    def again(self) -> frozenset[str]:
        """Segments that an earlier batch failed at."""
        return frozenset(self.store.batches.retried(self.batch_id))

    @property
    def whose(self) -> Iterable[str]:
        """Participants whose words a model may be shown: those of the batch, and those who serve as examples."""
        return (s.participant for s in (*self.segments, *self._pool))

    @cached_property
    def kept(self) -> KeptCoder:
        """What the base learned, learned anew from it where it was not kept or somebody withdrew since."""
        return self.store.coders.of(self.base_id) or freeze(BaseBench(self, self.base_id), self.base_id)

    @cached_property
    def frozen(self) -> Coder:
        """The same, ready to be laid on segments.

        Raises:
            StudyError: it knows other codes than the codebook has.
        """
        found = codes.from_bytes(self.kept.content)
        if found.codes != tuple(code.id for code in self.framework.assignable):
            raise StudyError(
                f"{self.study.folder}: what analysis {self.base_id} learned is about other codes than the codebook "
                "has; code everything anew: `belonging batch --recode`"
            )
        return found

    @property
    def teaching(self) -> Teaching:
        """Nothing is learned in a batch."""
        return NOTHING

    def learned(self, run_id: str) -> tuple[Coder, Weighed]:
        """What the base learned, and what that says of every segment here before a model is asked."""
        if run_id not in self._weighed_once:
            themes = self.store.themes.seen_with(run_id, [s.id for s in self.segments])
            weighed = self.frozen.weigh_each(self.material, self.framework, themes, self.embed)
            self._weighed_once[run_id] = self.frozen, weighed
        return self._weighed_once[run_id]

    @cached_property
    def _weighed_once(self) -> dict[str, tuple[Coder, Weighed]]:
        return {}

    def word(self, run_id: str) -> Word:
        """What the model's word was worth in the base."""
        return self.frozen.word

    def open_pairs(self, run_id: str) -> dict[int, list[int]]:
        """Columns to ask a model about, by row: as doubtful as those that the base asked about."""
        return codes.open_pairs_within(self.likely(run_id), self.frozen.farthest)

    def doubtful(self, run_id: str) -> list[int]:
        """Rows to ask a model about that weighs all codes; none where the base's scale is not known."""
        if self.frozen.scale is None:
            return []
        return codes.doubtful_beyond(self.likely(run_id).chance, self.frozen.least)

    def _weigh(self, run_id: str, done: Done) -> dict[str, Floats | Exception]:
        rows = self.doubtful(run_id)
        said = self.scores(rows, Asking(self.asker(run_id), self.coding_prompt), done) if rows else {}
        return dict(said) if self.frozen.scale is None else codes.shifts_of(said, self.frozen.scale)

    @property
    def shows_examples(self) -> bool:
        """Whether a model that answers in words sees the segments that the base showed it."""
        return self.frozen.pool is not None and not self.weighs

    @cached_property
    def _pool(self) -> list[Segment]:
        if self.model is None or not self.shows_examples or self.frozen.pool is None:
            return []
        found = {s.id: s for s in self.store.corpus.segments_with(self.frozen.pool.ids)}
        return [found[ident] for ident in self.frozen.pool.ids if ident in found]

    def groups(self, rows: Sequence[int]) -> list[list[int]]:
        """Segments that may share a call: of one transcript, so that it does not matter what else came in with it."""
        if self.several is None:
            return [list(rows)]
        groups: dict[str, list[int]] = {}
        for row in rows:
            groups.setdefault(self.segments[row].transcript_id, []).append(row)
        return list(groups.values())

    def calls_about(self, open_to: Mapping[int, Sequence[int]]) -> list[list[int]]:
        """Rows that share a call, within a transcript and a chunk of the coding."""
        if self.several is None:
            return super().calls_about(open_to)
        groups = (group for chunk in cutting.whole(len(self.segments)) for group in self.groups(chunk))
        asked = ([row for row in group if row in open_to] for group in groups)
        return [rows[k : k + self.several.size] for rows in asked for k in range(0, len(rows), self.several.size)]

    def _choose_examples(self, run_id: str) -> dict[int, tuple[Example, ...]]:
        """One by one, so that what is shown beside a segment never hangs on which others come with it."""
        assert self.frozen.pool is not None  # noqa: S101 - asked for only where there is one
        row_of = {ident: row for row, ident in enumerate(self.frozen.pool.ids)}
        shares = self.frozen.pool.shares[[row_of[s.id] for s in self._pool]]
        lessons = Lessons(np.arange(len(self._pool)), shares, np.zeros(len(self._pool), np.intp))
        there = self.embed([s.text for s in self._pool])
        found: dict[int, tuple[Example, ...]] = {}
        for row, columns in self.open_pairs(run_id).items() if len(self._pool) else ():
            both = np.concatenate([there, self.vectors[row : row + 1]])
            segments = [*self._pool, self.segments[row]]
            asked = {len(self._pool): columns}
            near = codes.nearest(asked, segments, both, lessons, self.framework, most=self.settings.examples)
            found[row] = near.get(len(self._pool), ())
        self.store.runs.note(run_id, examples_shown=sorted({one.segment_id for some in found.values() for one in some}))
        return found


class BaseBench(Workbench):
    """The study as a whole run saw it, to learn from again."""

    def __init__(self, other: Workbench, base_id: str) -> None:
        """Share the tools of another bench."""
        self.__dict__.update({k: v for k, v in other.__dict__.items() if k not in _OWN})
        self.base_id = base_id

    @cached_property
    def segments(self) -> list[Segment]:
        """Segments that the run coded, in canonical order."""
        found = self.store.corpus.segments_with(sorted(self.store.findings.coded(self.base_id)))
        return sorted(found, key=lambda s: (s.text_digest, s.id))


# What hangs on a bench's segments.
_OWN = {"segments", "vectors", "middle", "questions", "kept", "frozen", "again", "_weighed_once", "_pool"}
_OWN |= {"_learned", "_examples", "_weighed", "teaching"}


class Alone:
    """An encoder that is given texts one by one: the last digits of a vector hang on the texts beside it."""

    def __init__(self, encoder: Encoder) -> None:
        self.id = encoder.id
        self._encoder = encoder

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit-length vectors, float32, shape (n_texts, dim)."""
        return np.concatenate([self._encoder.encode([text]) for text in texts])


class AloneWithMiddle(Alone):
    """The same for an encoder whose inner layers can be read."""

    def __init__(self, encoder: Encoder, middle: Encoder) -> None:
        super().__init__(encoder)
        self._middle = Alone(middle)

    def middle(self) -> Encoder:
        """An encoder of the inner layers."""
        return self._middle


def _alone(encoder: Encoder) -> Encoder:
    return AloneWithMiddle(encoder, encoder.middle()) if isinstance(encoder, HasMiddle) else Alone(encoder)
