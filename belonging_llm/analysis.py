"""The main job on a study, stage by stage: each verb reads the store, runs one step, writes the store.

Every stage can be killed at any point and run again: what is committed is found, the rest is done.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from belonging_llm import __version__, clusters, codes, consent, themes
from belonging_llm.adapters import factory
from belonging_llm.asking import Asker, Question
from belonging_llm.auditing.guarding import search_for_leaks
from belonging_llm.auditing.lessons import NOTHING, Teaching, teaching
from belonging_llm.budget import Budget, Limit, Spending
from belonging_llm.codebook import Framework
from belonging_llm.codes import (
    Assigned,
    Bar,
    Chances,
    Coding,
    Example,
    Learned,
    OpenSegment,
    Outcome,
    Several,
    Signals,
    Verdict,
    Word,
    together,
)
from belonging_llm.codes.signals import Floats
from belonging_llm.embeddings import Encoder, HasMiddle, Vectors, embed
from belonging_llm.errors import Incomplete, InputError, StudyError
from belonging_llm.importing import split_transcripts
from belonging_llm.llm import ChatModel, is_loopback, tells_likelihoods
from belonging_llm.parcels import Errand, Mode, Patience, Terms
from belonging_llm.prices import price_at
from belonging_llm.prompts import Prompt
from belonging_llm.provenance import digest, versions
from belonging_llm.segments import Segment
from belonging_llm.store import Run
from belonging_llm.study import Study

BATCH = 200
PATIENCE = Patience()
TERMS = Terms()
# Prompts for models that answer in words, and when segments are coded with them.
WORDED = {
    "code_segment.v1": "since no codings by people are there to be shown, or examples = 0",
    "code_segment.v2": "since people's codings are shown as examples",
    "code_segments.v1": "since several segments share a call (together)",
}

Done = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Job:
    """Which study to analyse with which models; plain data, so that a scheduler can pass it on.

    Attributes:
        budget: The most money that the run may spend, in US dollars; None for any amount.
        calls: The most calls that it may make; None for any number.
        batch: Whether questions about segments go out in batches.
        patience: Minutes to wait for batches; None waits until they are done.
        recall: Whether batches that are under way are cancelled.
    """

    folder: str
    llm: str
    embedder: str
    budget: float | None = None
    calls: int | None = None
    batch: bool = False
    patience: float | None = None
    recall: bool = False


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
            raise InputError(
                f"--batch: {job.llm} takes no batches; leave it out, or use openai:MODEL or http(s)://…#MODEL"
            )
        self.limit = Limit(job.budget, job.calls)
        self._askers: dict[str, Asker] = {}

    def asker(self, run_id: str) -> Asker | None:
        """Who asks the model for a run; None without a model."""
        if self.model is None:
            return None
        if run_id not in self._askers:
            self.demand_consent(self.model)
            self._askers[run_id] = Asker(self.model, self.store.ledger, run_id, budget=self.budget(run_id))
        return self._askers[run_id]

    def demand_consent(self, model: ChatModel | None) -> None:
        """See that nobody's words would leave this machine without consent.

        Raises:
            ConsentError: some would; names whose.
        """
        if model is not None:
            consent.demand(self.study, model.endpoint, (s.participant for s in self.segments))

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

    def signals(self, run_id: str) -> Signals:
        """Cheap evidence for every segment and code."""
        if run_id not in self._signals:
            found = self.store.findings.themes(run_id)
            ids, texts = [s.id for s in self.segments], [s.text for s in self.segments]
            self._signals[run_id] = codes.weigh(ids, self.vectors, self.framework, found, self.embed, texts=texts)
        return self._signals[run_id]

    @cached_property
    def teaching(self) -> Teaching:
        """What people coded and the model may learn from."""
        if not self.settings.learn:
            return NOTHING
        return teaching(self.study, self.segments, everything=not self.settings.hold_out)

    def likely(self, run_id: str) -> Chances:
        """How likely every pair is before a model is asked; learned from people where they coded enough."""
        if run_id not in self._likely:
            seen = self._features(run_id)
            unaided = codes.carry_over(codes.strength(self.signals(run_id)), seen)
            self._likely[run_id] = codes.chances(unaided, self._learned(seen, unaided))
        return self._likely[run_id]

    def _learned(self, seen: Floats, unaided: Floats) -> Learned | None:
        taught = self.teaching
        if not len(taught.development):
            return None
        return codes.learn(seen, taught.development, taught.calibration, unaided)

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
        likely, share = self.likely(run_id), self.settings.ask_share
        if self.weighs:
            rows = codes.doubtful(likely.chance, share)
            return [codes.weighing(self.open_segment(row), self.framework, self.coding_prompt) for row in rows]
        open_to, shown = codes.open_pairs(likely, share), self.examples(run_id)
        cut = _calls(open_to, len(self.segments), self.several, list(open_to))
        return [self._asked([self.open_segment(i, open_to[i], shown.get(i, ())) for i in call]) for call in cut]

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
        return {"together": together, "batch": BATCH, "examples": self.settings.examples if self.shows_examples else 0}

    def examples(self, run_id: str) -> dict[int, tuple[Example, ...]]:
        """What is shown beside each segment that the model is asked about, by row."""
        if run_id not in self._examples:
            self._examples[run_id] = self._choose_examples(run_id) if self.model and self.shows_examples else {}
        return self._examples[run_id]

    def _choose_examples(self, run_id: str) -> dict[int, tuple[Example, ...]]:
        found = codes.nearest(
            codes.open_pairs(self.likely(run_id), self.settings.ask_share),
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

    def weighed(self, run_id: str, done: Done = _silent) -> dict[str, Floats | Exception]:
        """How far the model moves the log-odds of the doubtful segments' codes, by segment."""
        if run_id not in self._weighed:
            self._weighed[run_id] = self._weigh(run_id, done)
        return self._weighed[run_id]

    def _weigh(self, run_id: str, done: Done) -> dict[str, Floats | Exception]:
        likely = self.likely(run_id)
        rows = codes.doubtful(likely.chance, self.settings.ask_share)
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

    def scores(self, rows: Sequence[int], how: Asking, done: Done = _silent) -> dict[str, Floats | Exception]:
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

    def absent(self, run_id: str) -> Floats | None:
        """Learned probability that belonging is absent where a code applies, by segment."""
        if run_id not in self._absent:
            taught = self.teaching
            seen = self._features(run_id) if len(taught.polar_rows) else np.empty((0, 0))
            self._absent[run_id] = codes.learn_polarity(seen, taught.polar_rows, taught.polar_absent)
        return self._absent[run_id]

    def _features(self, run_id: str) -> Floats:
        """What a probe sees of every segment."""
        return codes.features(self.vectors, [s.text for s in self.segments], self.signals(run_id), self.middle)

    @cached_property
    def _absent(self) -> dict[str, Floats | None]:
        return {}

    @cached_property
    def _likely(self) -> dict[str, Chances]:
        return {}

    @cached_property
    def _signals(self) -> dict[str, Signals]:
        return {}

    @cached_property
    def questions(self) -> dict[str, str]:
        """What the interviewer asked before each segment, by segment id; "" where nobody did."""
        found = {}
        for transcript_id, group in groupby(self.store.corpus.segments(), key=lambda s: s.transcript_id):
            transcript = self.store.corpus.transcript(transcript_id)
            for segment in group:
                question = transcript.questions.get(segment.turn)
                found[segment.id] = transcript.said(question) if question else ""
        return found

    def inputs(self) -> dict[str, Any]:
        """Everything that shapes the result, for the run's record and digest."""
        shaping = self.settings.model_dump(
            exclude={"name", "store", "llm", "embedder", "allow_remote", "consent", "concurrency", "synthetic", "audit"}
        )
        return {
            "version": __version__,
            "settings": shaping,
            "codebook": {"id": self.framework.id, "digest": self.framework.digest},
            "prompts": {name: prompt.digest for name, prompt in self.prompts.items()},
            "llm": self.model.id if self.model else "none",
            "embedder": self.encoder.id,
            "lessons": self.teaching.digest,
            "segments": {"count": len(self.segments), "digest": digest(sorted(s.id for s in self.segments))},
        }


def prepare(job: Job, agree: Callable[[Workbench, Run | None], None] = lambda *_: None) -> tuple[Run, bool]:
    """Cut new transcripts and open a run.

    Args:
        agree: Called when there is work and before anything of it begins, with the interrupted run that would be
            continued, if there is one; it raises what is to stop this.

    Returns:
        The run to work on and False; or the complete run that already answers these inputs and True.

    Raises:
        LeakError: words of the sealed test split stand in the codebook or a prompt.
        ConsentError: words would leave this machine whose speaker did not agree to that.
        StudyError: no participant's talk in the study yet, or a prompt of its own that would not be used.
    """
    workbench.cache_clear()
    study = Study(Path(job.folder))
    split_transcripts(study)
    study.store.close()
    bench = workbench(job)
    if not bench.segments:
        raise StudyError(f"{job.folder}: nothing to analyse; bring interviews in with `belonging import`")
    # Learning splits the participants: what is sealed then must not be in what the model is shown.
    inputs = bench.inputs()
    search_for_leaks(bench.study)
    bench.refuse_idle_wording()
    inputs_digest = digest(inputs)
    last = bench.store.runs.latest()
    if last and last.status == "complete" and last.inputs_digest == inputs_digest:
        return last, True
    bench.demand_consent(bench.model)
    agree(bench, bench.store.runs.interrupted(inputs_digest))
    run = bench.store.runs.start(inputs_digest, inputs | {"versions": versions()})
    if bench.model is not None and bench.model.endpoint and not is_loopback(bench.model.endpoint):
        bench.store.runs.note(run.id, consent=consent.basis(bench.study))
    return run, False


def embed_segments(job: Job, done: Done = _silent, *, coded: bool = True) -> int:
    """Make sure that every segment has its vectors; returns how many segments there are.

    Args:
        coded: Segments will be coded: then the encoder's inner layers are read as well.
    """
    bench = workbench(job)
    texts = [s.text for s in bench.segments]
    distinct = len(set(texts))
    inner = bench.encoder.middle() if coded and isinstance(bench.encoder, HasMiddle) else None
    total = distinct * (2 if inner else 1)
    bench.vectors = embed(texts, bench.encoder, bench.store.vectors, done=lambda n: done(n, total))
    if inner:
        bench.middle = embed(texts, inner, bench.store.vectors, done=lambda n: done(distinct + n, total))
    return len(texts)


def find_themes(job: Job, run_id: str, done: Done = _silent, placed: Vectors | None = None) -> int:
    """Group, name and map; a run whose themes are already kept is left alone. Returns how many.

    Args:
        placed: Vectors to group by instead of the embedder's, in the order of the study's segments.
    """
    bench = workbench(job)
    if kept := bench.store.findings.themes(run_id):
        return len(kept)
    rows = [i for i, s in enumerate(bench.segments) if len(s.text.split()) >= bench.settings.shortest_themed]
    eligible, vectors = [bench.segments[i] for i in rows], bench.vectors[rows]
    by = vectors if placed is None else placed[rows]
    grouped = clusters.find(by, [s.text_digest for s in eligible], seed=bench.settings.seed)
    if placed is not None:
        grouped = clusters.recentred(grouped, vectors)
    total = 2 * len(grouped.clusters)
    labelled = themes.label(
        grouped,
        eligible,
        vectors,
        asker=bench.asker(run_id),
        prompt=bench.prompts["label_theme.v1"],
        again=bench.prompts["rename_theme.v1"],
        embed=bench.embed,
        done=lambda n: done(n, total),
    )
    found = _map(bench, run_id, labelled.themes, lambda n: done(total // 2 + n, total))
    bench.store.runs.note(
        run_id,
        themes=len(found),
        themes_failed=labelled.failed,
        themes_renamed=labelled.renamed,
        themes_in_vivo=labelled.in_vivo,
        theme_quotes_unlocated=labelled.unlocated,
        themes_unmapped=sum(not t.mapping.by for t in found),
        clustering=grouped.method,
        outliers=[eligible[i].id for i in grouped.outliers],
        too_short=sorted({s.id for s in bench.segments} - {s.id for s in eligible}),
    )
    bench.store.findings.add_themes(run_id, found)
    return len(found)


def _map(
    bench: Workbench, run_id: str, found: Sequence[themes.Theme], done: Callable[[int], None]
) -> Sequence[themes.Theme]:
    asker = bench.asker(run_id)
    if asker is None:
        return found
    texts, people = {s.id: s.text for s in bench.segments}, {s.id: s.participant for s in bench.segments}
    prompt = bench.prompts["map_theme.v1"]
    return themes.map_themes(found, bench.framework, texts, asker=asker, prompt=prompt, people=people, done=done)


def posts(job: Job) -> bool:
    """Whether questions are to go out in batches, or are under way in some."""
    bench = workbench(job)
    if bench.model is None or bench.post is None:
        return False
    return job.batch or bool(bench.store.parcels.open(bench.model.id, str(bench.model.endpoint)))


def send_questions(job: Job, run_id: str, done: Done = _silent) -> None:
    """Have the coding's questions answered in batches, or look after batches that are under way.

    Replies go into the ledger, where the coding finds them; what has none is asked by itself.

    Raises:
        Incomplete: batches are under way; a rerun collects them.
    """
    from filelock import FileLock, Timeout

    bench = workbench(job)
    asker = bench.asker(run_id)
    assert asker is not None and bench.post is not None  # noqa: S101, PT018 - `posts` is asked first
    patience = replace(PATIENCE, most=None if job.patience is None else 60 * job.patience)
    mode = Mode(send=job.batch, recall=job.recall)
    errand = Errand(asker, bench.post, bench.store.parcels, mode, patience, TERMS, done)
    try:
        # Two processes would each take the other's parcel for one that was left behind.
        with FileLock(bench.study.folder / ".batch.lock", timeout=0):
            errand.run(bench.coding_questions(run_id))
    except Timeout as error:
        raise Incomplete("another process is seeing to this study's batches; rerun when it has ended") from error
    finally:
        fates = [p.model_dump(include={"remote_id", "status", "requests", "fates"}) for p in errand.parcels]
        bench.store.runs.note(run_id, batches=fates)


def try_model(job: Job, run_id: str, done: Done = _silent) -> int:
    """Learn what the model's word is worth, from doubtful pairs that people judged; returns how many answers.

    A model that tells likelihoods weighs all codes of the doubtful segments at once, and is done then. These pairs
    would be asked about anyway: nothing is asked twice, and nothing of the test split is looked at.
    """
    bench = workbench(job)
    asker = bench.asker(run_id)
    if bench.weighs:
        return len(bench.weighed(run_id, done))
    if asker is None or "model_word" in bench.store.runs.get(run_id).counts:
        return 0
    open_to = codes.open_pairs(bench.likely(run_id), bench.settings.ask_share)
    known = bench.teaching.shares(len(bench.segments), len(bench.framework.assignable))
    rows = [row for row in open_to if known is not None and not np.isnan(known[row]).all()]
    shown = bench.examples(run_id)
    calls = [
        [bench.open_segment(i, open_to[i], shown.get(i, ())) for i in call]
        for call in _calls(open_to, len(bench.segments), bench.several, rows)
    ]
    total = sum(map(len, calls))
    failures = dict(asker.failures)
    said = codes.hear(
        calls,
        bench.framework,
        asker=asker,
        prompt=bench.coding_prompt,
        several=bench.several,
        done=lambda n: done(n, total),
    ).verdicts
    ids = [code.id for code in bench.framework.assignable]
    # Coding meets the same failures again and counts them there.
    asker.failures = failures
    answers = [
        (verdict.applies, share)
        for row in rows
        for code, verdict in _verdicts(said[bench.segments[row].id]).items()
        if known is not None and not verdict.unlocated and not np.isnan(share := float(known[row, ids.index(code)]))
    ]
    bench.store.runs.note(run_id, model_word=asdict(codes.worth(answers)))
    return len(answers)


def _calls(
    open_to: Collection[int], n_segments: int, several: Several | None, wanted: Sequence[int]
) -> list[list[int]]:
    """Rows that are asked about in one call, for those calls that hold a wanted row, in the order of `wanted`.

    Calls are cut as the coding will cut them: neighbours of the canonical order among all rows that the model is asked
    about, within a batch. So the same calls are made whoever makes them first, and whatever was done already.
    """
    size = several.size if several else 1
    call_of: dict[int, list[int]] = {}
    for start in range(0, n_segments, BATCH):
        rows = [i for i in range(start, min(start + BATCH, n_segments)) if i in open_to]
        for k, row in enumerate(rows):
            call_of[row] = rows[k // size * size :][:size]
    return list({call_of[row][0]: call_of[row] for row in wanted}.values())


def _verdicts(answer: Mapping[str, Verdict] | Exception) -> Mapping[str, Verdict]:
    return {} if isinstance(answer, Exception) else answer


def batches(job: Job, run_id: str) -> list[list[int]]:
    """Batches of rows (of the canonical order) that still lack codings in a run.

    Batches are cut over all rows and kept whole, so that what shares one never depends on an interruption.
    """
    bench = workbench(job)
    ready = bench.store.findings.coded(run_id)
    rows = range(len(bench.segments))
    cut = [list(rows[k : k + BATCH]) for k in range(0, len(rows), BATCH)]
    return [batch for batch in cut if any(bench.segments[i].id not in ready for i in batch)]


def code_batch(job: Job, run_id: str, rows: Sequence[int], done: Done = _silent) -> int:
    """Give every segment of a batch its outcomes and keep them at once; returns how many codings."""
    bench = workbench(job)
    moved = _scored(bench, run_id, rows)
    how = Asking(bench.asker(run_id), bench.coding_prompt, moved=moved, several=bench.several)
    found = decide(bench, run_id, rows, how, done)
    bench.store.findings.add_codings(found.codings, run_id)
    lost = {"unlocated": found.unlocated, "repaired": found.repaired, "demoted": found.demoted, "failed": found.failed}
    counts = {"asked": found.asked, "apart": found.apart} | lost
    bench.store.runs.note(run_id, **{f"batch {bench.segments[rows[0]].id}": counts})
    return len(found.codings)


def decide(bench: Workbench, run_id: str, rows: Sequence[int], how: Asking, done: Done = _silent) -> Assigned:
    """Outcomes for some segments from the run's evidence, and from its model asked in the given way."""
    signals = bench.signals(run_id)
    likely = bench.likely(run_id)
    absent = bench.absent(run_id)
    open_to = {} if how.moved is not None else codes.open_pairs(likely, bench.settings.ask_share)
    framework, columns = bench.shown(how.order)
    place = np.argsort(columns)
    asked = {at: sorted(int(place[j]) for j in open_to[row]) for at, row in enumerate(rows) if row in open_to}
    shown = bench.examples(run_id) if asked else {}
    here = np.ix_(np.array(rows, np.intp), columns)
    return codes.assign(
        [bench.segments[i] for i in rows],
        signals.of(here),
        Chances(likely.chance[here], likely.leaning[here], likely.taught[columns]),
        [bench.questions.get(bench.segments[i].id, "") for i in rows],
        open_to=asked,
        framework=framework,
        asker=how.asker,
        prompt=how.prompt,
        embed=bench.embed,
        encoder=bench.encoder.id,
        bar=Bar(bench.settings.assign_error, bench.settings.miss_error),
        word=_word(bench, run_id),
        scored=None if how.moved is None else {i: _in_order(one, columns) for i, one in how.moved.items()},
        absent=None if absent is None else absent[list(rows)],
        examples={at: shown[rows[at]] for at in asked if rows[at] in shown},
        several=how.several,
        done=lambda n: done(n, len(asked)),
    )


def _in_order(one: Floats | Exception, columns: NDArray[np.intp]) -> Floats | Exception:
    return one if isinstance(one, Exception) else one[columns]


def _scored(bench: Workbench, run_id: str, rows: Sequence[int]) -> dict[str, Floats | Exception] | None:
    """What a model that weighs codes moved, by segment of a batch; None for other models."""
    if not bench.weighs:
        return None
    weighed = bench.weighed(run_id)
    here = [bench.segments[i].id for i in rows]
    return {ident: weighed[ident] for ident in here if ident in weighed}


def _word(bench: Workbench, run_id: str) -> Word:
    noted = bench.store.runs.get(run_id).counts.get("model_word")
    return Word(**noted) if noted else codes.UNHEARD


def finish(job: Job, run_id: str) -> Run:
    """Close a run: complete when every pair has an outcome and none failed."""
    bench = workbench(job)
    outcomes = bench.store.findings.outcomes(run_id)
    wanted = len(bench.segments) * len(bench.framework.assignable)
    asker = bench.asker(run_id)
    failures = dict(asker.failures) if asker else {}
    bench.store.runs.note(run_id, outcomes=dict(outcomes), **({"reply_failures": failures} if asker else {}))
    whole = sum(outcomes.values()) == wanted and not outcomes[Outcome.FAILED]
    themed = not any(bench.store.runs.get(run_id).counts.get(k) for k in ("themes_failed", "themes_unmapped"))
    bench.store.runs.finish(run_id, "complete" if whole and (themed or bench.model is None) else "incomplete")
    return bench.store.runs.get(run_id)


def failed_segments(codings: Sequence[Coding]) -> list[str]:
    """Segments with a failed outcome, sorted."""
    return sorted({c.segment_id for c in codings if c.outcome is Outcome.FAILED})
