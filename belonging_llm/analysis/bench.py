"""A study with its models opened, and what several stages share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from belonging_llm import __version__, codes, consent
from belonging_llm.adapters import factory
from belonging_llm.analysis import cutting
from belonging_llm.analysis.job import Done, Job, silent
from belonging_llm.asking import Asker, Question
from belonging_llm.auditing.lessons import NOTHING, Teaching, teaching
from belonging_llm.budget import Budget, Limit, Spending
from belonging_llm.codebook import Framework
from belonging_llm.codes import (
    Chances,
    Coder,
    Example,
    OpenSegment,
    Scale,
    Several,
    Signals,
    Weighed,
    Word,
    together,
)
from belonging_llm.codes.signals import Floats
from belonging_llm.embeddings import Encoder, HasMiddle, Vectors, embed
from belonging_llm.errors import InputError, StudyError
from belonging_llm.llm import ChatModel, tells_likelihoods
from belonging_llm.prices import price_at
from belonging_llm.prompts import Prompt
from belonging_llm.provenance import digest
from belonging_llm.segments import Segment
from belonging_llm.study import Study
from belonging_llm.themes.edits import shaped_by

# Prompts for models that answer in words, and when segments are coded with them.
WORDED = {
    "code_segment.v1": "since no codings by people are there to be shown, or examples = 0",
    "code_segment.v2": "since people's codings are shown as examples",
    "code_segments.v1": "since several segments share a call (together)",
}


@dataclass(frozen=True)
class Asking:
    """How a model is asked about segments: as a run does it, or otherwise, to see whether that changes what it says.

    Attributes:
        asker: None decides without a model.
        order: Ids of the codes in the order in which the prompt shows them; empty for the codebook's own.
        moved: Changes of the log-odds by segment, columns as in the codebook, from a model that weighs all codes at
            once; None for other models, which are then asked about open pairs.
        several: How several segments share a call; None asks about them one by one.
    """

    asker: Asker | None
    prompt: Prompt
    order: tuple[str, ...] = ()
    moved: Mapping[str, Floats | Exception] | None = None
    several: Several | None = None


@lru_cache(maxsize=4)
def workbench(job: Job) -> Workbench:
    """The tools for a job, made once per process: models are loaded when first used."""
    return Workbench(job)


class Workbench:
    """A study with its models opened, and what several stages share."""

    def __init__(self, job: Job) -> None:
        """Open the study and name the models.

        Raises:
            StudyError, InputError, ModelError: the study or a model cannot be opened.
        """
        self.study = Study(Path(job.folder))
        self.store = self.study.store
        self.settings = self.study.settings
        self.framework = self.study.framework()
        self.prompts = self.study.prompts()
        self.encoder: Encoder = factory.encoder(job.embedder)
        settings = self.settings
        self.model: ChatModel | None = factory.chat_model(
            job.llm, allow_remote=settings.allow_remote, concurrency=settings.concurrency
        )
        self.post = factory.post(self.model) if self.model else None
        if job.batch and self.post is None:
            raise InputError(factory.no_post(job.llm))
        self.limit = Limit(job.budget, job.calls)
        self._askers: dict[str, Asker] = {}

    @property
    def whose(self) -> Iterable[str]:
        """Participants whose words a model may be shown."""
        return (s.participant for s in self.segments)

    def asker(self, run_id: str) -> Asker | None:
        """Who asks the model for a run; None without a model."""
        if self.model is None:
            return None
        if run_id not in self._askers:
            self.demand_consent(self.model)
            budget, claims = self.budget(run_id), self.store.claims
            self._askers[run_id] = Asker(self.model, self.store.ledger, run_id, budget=budget, claims=claims)
        return self._askers[run_id]

    def demand_consent(self, model: ChatModel | None) -> None:
        """See that nobody's words would leave this machine without consent.

        Raises:
            ConsentError: some would; names whose.
        """
        if model is not None:
            consent.demand(self.study, model.endpoint, self.whose)

    def budget(self, run_id: str | None) -> Budget:
        """What a run may spend, with what the ledger says that it has; None for a run that is yet to begin.

        Raises:
            InputError: money is limited and the model's price unknown.
        """
        if self.model is None:
            return Budget()
        spent = {s.model: s for s in self.store.ledger.spending(run_id)} if run_id else {}
        price = price_at(self.model.id, self.model.endpoint)
        return Budget(self.limit, price, spent.get(self.model.id, Spending(self.model.id)))

    def work_done(self) -> tuple[int, float]:
        """Replies that this process paid for, and the seconds they took, summed."""
        askers = self._askers.values()
        return sum(a.calls for a in askers), sum(a.seconds for a in askers)

    @cached_property
    def segments(self) -> list[Segment]:
        """Every segment, in canonical order: by the digest of its words, then by its id."""
        return sorted(self.store.corpus.segments(), key=lambda s: (s.text_digest, s.id))

    @cached_property
    def vectors(self) -> Vectors:
        """One row a segment, in the order of `segments`."""
        return embed([s.text for s in self.segments], self.encoder, self.store.vectors)

    @cached_property
    def middle(self) -> Vectors | None:
        """Vectors of the segments from the encoder's inner layers, in the same order; None where it has none."""
        if not isinstance(self.encoder, HasMiddle):
            return None
        return embed([s.text for s in self.segments], self.encoder.middle(), self.store.vectors)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of any texts, kept like those of segments."""
        return embed(texts, self.encoder, self.store.vectors)

    @property
    def material(self) -> codes.Material:
        """The segments as they are weighed, in the order of `segments`."""
        ids, texts = [s.id for s in self.segments], [s.text for s in self.segments]
        return codes.Material(ids, texts, self.vectors, self.middle)

    def learned(self, run_id: str) -> tuple[Coder, Weighed]:
        """What the run learned, and what that says of every segment before a model is asked."""
        if run_id not in self._learned:
            found, taught = self.store.findings.themes(run_id), self.teaching
            self._learned[run_id] = codes.learn_coder(
                self.material,
                self.framework,
                found,
                self.embed,
                codes.Lesson(taught.development, taught.calibration, taught.polar_rows, taught.polar_absent),
                share=self.settings.ask_share,
            )
        return self._learned[run_id]

    @cached_property
    def _learned(self) -> dict[str, tuple[Coder, Weighed]]:
        return {}

    def coder(self, run_id: str) -> Coder:
        """What the run learned, the worth of its model's word included as far as that is known by now."""
        counts = self.store.runs.get(run_id).counts
        scale, word = counts.get("model_scale"), counts.get("model_word")
        pool = None
        if self.shows_examples:
            lessons = self.teaching.development
            pool = codes.Pool(tuple(self.segments[row].id for row in lessons.rows), lessons.shares)
        return replace(
            self.learned(run_id)[0],
            pool=pool,
            scale=Scale(tuple(scale["centre"]), tuple(scale["spread"]), scale["slope"], scale["heard"])
            if scale
            else None,
            word=Word(**word) if word else codes.UNHEARD,
        )

    def word(self, run_id: str) -> Word:
        """What the model's word is worth."""
        noted = self.store.runs.get(run_id).counts.get("model_word")
        return Word(**noted) if noted else codes.UNHEARD

    def signals(self, run_id: str) -> Signals:
        """Cheap evidence for every segment and code."""
        return self.learned(run_id)[1].signals

    def likely(self, run_id: str) -> Chances:
        """How likely every pair is before a model is asked; learned from people where they coded enough."""
        return self.learned(run_id)[1].likely

    def absent(self, run_id: str) -> Floats | None:
        """Learned probability that belonging is absent where a code applies, by segment."""
        return self.learned(run_id)[1].absent

    def open_pairs(self, run_id: str) -> dict[int, list[int]]:
        """Columns to ask a model about that answers in words, by row."""
        return codes.open_pairs(self.likely(run_id), self.settings.ask_share)

    def doubtful(self, run_id: str) -> list[int]:
        """Rows to ask a model about that weighs all codes."""
        return codes.doubtful(self.likely(run_id).chance, self.settings.ask_share)

    @cached_property
    def teaching(self) -> Teaching:
        """What people coded and the model may learn from."""
        if not self.settings.learn:
            return NOTHING
        return teaching(self.study, self.segments, everything=not self.settings.hold_out)

    @cached_property
    def weighs(self) -> bool:
        """Whether the model can weigh all codes of a segment at once."""
        return self.model is not None and tells_likelihoods(self.model) and codes.fits(self.framework)

    @property
    def coding_prompt(self) -> Prompt:
        """The prompt that segments are coded with one by one, by what the model can do and what there is to show."""
        return self.prompt_for(weighs=self.weighs)

    def prompt_for(self, *, weighs: bool) -> Prompt:
        """The same for a model that weighs all codes at once, or for one that does not."""
        if weighs:
            return self.prompts["choose_code.v1"]
        return self.prompts["code_segment.v2" if self.shows_examples else "code_segment.v1"]

    def coding_questions(self, run_id: str) -> list[Question[Any]]:
        """Everything that the coding asks about segments before it repairs anything, what settles most first."""
        if self.weighs:
            rows = self.doubtful(run_id)
            return [codes.weighing(self.open_segment(row), self.framework, self.coding_prompt) for row in rows]
        open_to, shown = self.open_pairs(run_id), self.examples(run_id)
        cut = self.calls_about(open_to)
        return [self._asked([self.open_segment(i, open_to[i], shown.get(i, ())) for i in call]) for call in cut]

    def calls_about(self, open_to: Mapping[int, Sequence[int]]) -> list[list[int]]:
        """Rows that share a call, as the coding cuts them, what settles most first."""
        return cutting.calls(open_to, len(self.segments), self.several, list(open_to))

    def _asked(self, call: Sequence[OpenSegment]) -> Question[Any]:
        if self.several and len(call) > 1:
            return together.question(call, self.framework, self.several.prompt)
        return codes.question(call[0], self.framework, self.coding_prompt)

    @property
    def several(self) -> Several | None:
        """How several segments are asked about in one call; None where they are asked about one by one."""
        size = self.settings.together
        return Several(self.prompts["code_segments.v1"], size) if size > 1 and not self.weighs else None

    @property
    def shows_examples(self) -> bool:
        """Whether a model that answers in words sees segments that people coded."""
        return bool(self.settings.examples and len(self.teaching.development)) and not self.weighs

    @property
    def manner(self) -> dict[str, int]:
        """How segments are asked about, as far as it shapes the number and length of questions."""
        together = self.several.size if self.several else 1
        return {
            "together": together,
            "batch": cutting.BATCH,
            "examples": self.settings.examples if self.shows_examples else 0,
        }

    def examples(self, run_id: str) -> dict[int, tuple[Example, ...]]:
        """What is shown beside each segment that the model is asked about, by row."""
        if run_id not in self._examples:
            self._examples[run_id] = self._choose_examples(run_id) if self.model and self.shows_examples else {}
        return self._examples[run_id]

    def _choose_examples(self, run_id: str) -> dict[int, tuple[Example, ...]]:
        found = codes.nearest(
            self.open_pairs(run_id),
            self.segments,
            self.vectors,
            self.teaching.development,
            self.framework,
            most=self.settings.examples,
        )
        # Whose words go out beside others' has to be known when somebody withdraws; said before anything is sent.
        self.store.runs.note(run_id, examples_shown=sorted({one.segment_id for some in found.values() for one in some}))
        return found

    @cached_property
    def _examples(self) -> dict[str, dict[int, tuple[Example, ...]]]:
        return {}

    def open_segment(self, row: int, columns: Sequence[int] = (), examples: tuple[Example, ...] = ()) -> OpenSegment:
        """A segment with the codes (by column) to ask about."""
        segment = self.segments[row]
        ids = tuple(self.framework.assignable[j].id for j in columns)
        return OpenSegment(segment, ids, self.questions.get(segment.id, ""), examples)

    def refuse_idle_wording(self) -> None:
        """Stop where the study words a prompt that segments would not be coded with.

        Raises:
            StudyError: names the prompt that would be used, and why.
        """
        used = self.several.prompt.name if self.several else self.coding_prompt.name
        own = [name for name in WORDED if self.study.words_its_own(name)]
        if self.model is None or self.weighs or not own or used in own:
            return
        raise StudyError(
            f"{self.study.folder}: segments would not be coded with the study's own prompts/{own[0]}.md but with "
            f"{used}, {WORDED[used]}. Put your wording into prompts/{used}.md as well, or change study.toml, or take "
            "the file away"
        )

    def weighed(self, run_id: str, done: Done = silent) -> dict[str, Floats | Exception]:
        """How far the model moves the log-odds of the doubtful segments' codes, by segment."""
        if run_id not in self._weighed:
            self._weighed[run_id] = self._weigh(run_id, done)
        return self._weighed[run_id]

    def _weigh(self, run_id: str, done: Done) -> dict[str, Floats | Exception]:
        likely, rows = self.likely(run_id), self.doubtful(run_id)
        said = self.scores(rows, Asking(self.asker(run_id), self.coding_prompt), done)
        told = [(row, one) for row in rows if not isinstance(one := said[self.segments[row].id], Exception)]
        if not told:
            return dict(said)
        there = np.array([row for row, _ in told], np.intp)
        people = self.teaching.checked(len(self.segments), len(self.framework.assignable))
        scale = codes.scale(
            np.stack([one for _, one in told]), likely.chance[there], None if people is None else people[there]
        )
        self.store.runs.note(run_id, model_scale=asdict(scale))
        return codes.shifts_of(said, scale)

    def scores(self, rows: Sequence[int], how: Asking, done: Done = silent) -> dict[str, Floats | Exception]:
        """What a model that weighs codes says of some segments, asked in this order; columns as in the codebook."""
        asker = how.asker
        assert asker is not None  # noqa: S101 - only models that weigh are asked
        asked = [OpenSegment(s, (), self.questions.get(s.id, "")) for s in (self.segments[i] for i in rows)]
        shown, columns = self.shown(how.order)
        said = codes.score(asked, shown, asker=asker, prompt=how.prompt, done=lambda n: done(n, len(asked)))
        back = np.argsort(columns)
        return {ident: one if isinstance(one, Exception) else one[back] for ident, one in said.items()}

    def shown(self, order: Sequence[str]) -> tuple[Framework, NDArray[np.intp]]:
        """The codebook in the order in which a prompt shows it, and where each of its codes stands in the usual one."""
        usual = [code.id for code in self.framework.assignable]
        if not order:
            return self.framework, np.arange(len(usual))
        return self.framework.reordered(order), np.array([usual.index(code) for code in order], np.intp)

    @cached_property
    def _weighed(self) -> dict[str, dict[str, Floats | Exception]]:
        return {}

    @cached_property
    def questions(self) -> dict[str, str]:
        """What the interviewer asked before each segment, by segment id; "" where nobody did."""
        found = {}
        in_order = sorted(self.segments, key=lambda s: (s.transcript_id, s.start, s.id))
        for transcript_id, group in groupby(in_order, key=lambda s: s.transcript_id):
            transcript = self.store.corpus.transcript(transcript_id)
            for segment in group:
                question = transcript.questions.get(segment.turn)
                found[segment.id] = transcript.said(question) if question else ""
        return found

    def shaping(self) -> dict[str, Any]:
        """Everything that shapes what becomes of a segment, but for the other segments and what people coded."""
        apart = {"name", "store", "llm", "embedder", "allow_remote", "consent", "concurrency", "synthetic", "audit"}
        return {
            "version": __version__,
            "method": codes.METHOD,
            "settings": self.settings.model_dump(exclude=apart | {"inbox", "settle", "drift", "review"}),
            "codebook": {"id": self.framework.id, "digest": self.framework.digest},
            "prompts": {name: prompt.digest for name, prompt in self.prompts.items()},
            "llm": self.model.id if self.model else "none",
            "embedder": self.encoder.id,
        }

    def inputs(self) -> dict[str, Any]:
        """Everything that shapes the result, for the run's record and digest."""
        return self.shaping() | {
            "lessons": self.teaching.digest,
            "theme_edits": shaped_by(self.store.themes.edits()),
            "segments": {"count": len(self.segments), "digest": digest(sorted(s.id for s in self.segments))},
        }
