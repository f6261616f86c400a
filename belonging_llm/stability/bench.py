"""What a test of stability works with: the run, its study, the models that are asked again, and the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from belonging_llm import analysis, codes
from belonging_llm.adapters import factory
from belonging_llm.analysis import Job, Workbench
from belonging_llm.asking import Asker, Sampling
from belonging_llm.auditing.guarding import TEST
from belonging_llm.auditing.repeats import differences
from belonging_llm.auditing.splits import parts
from belonging_llm.budget import Budget, Limit, Spending, bill
from belonging_llm.codes import Outcome, Sample, StabilityPlan
from belonging_llm.errors import InputError, StudyError
from belonging_llm.llm import ChatModel, tells_likelihoods
from belonging_llm.prices import price_at
from belonging_llm.prompts import Prompt, paraphrases
from belonging_llm.provenance import digest
from belonging_llm.stability.drawing import draw
from belonging_llm.stability.varying import Asked, vary
from belonging_llm.store import Run, StabilityTest
from belonging_llm.study import Study

USUAL = Sampling()


@dataclass(frozen=True)
class Wish:
    """What is to be coded again, and how.

    Attributes:
        job: The study with the models of the run; its limits hold for the whole test.
        participants: Drawn first; all when None.
        also: Specs of other models.
        temperature: At which request seeds are tried.
        seed: Of the draw and of the shuffling.
    """

    job: Job
    segments: int = 40
    participants: int | None = None
    seeds: int = 3
    orders: int = 2
    also: tuple[str, ...] = ()
    temperature: float = 0.7
    seed: int = 0


class Bench:
    """A run with its workbench, and the models that are asked again."""

    def __init__(self, wish: Wish) -> None:
        """Open study and models.

        Raises:
            StudyError: no finished run of this study as it is now, or none that asked a model.
            InputError, ModelError: a model cannot be used.
        """
        self.work: Workbench = analysis.workbench(wish.job)
        self.wish = wish
        self.run = _base(self.work)
        self.models = {wish.job.llm: _usual(self.work)} | _others(self.work, wish.also)
        self._askers: list[Asker] = []

    @property
    def study(self) -> Study:
        """The study."""
        return self.work.study

    @property
    def calls(self) -> int:
        """Replies that this process paid for."""
        return sum(asker.calls for asker in self._askers)

    @cached_property
    def asked(self) -> dict[str, Asked]:
        """How each model is asked, by spec; the run's own comes first."""
        found = {}
        for spec, model in self.models.items():
            weighs = tells_likelihoods(model) and codes.fits(self.work.framework)
            found[spec] = Asked(spec, model.id, self.work.prompt_for(weighs=weighs), weighs)
        return found

    @cached_property
    def prompts(self) -> dict[str, Prompt]:
        """Every prompt that may be used, by name."""
        usual = self.asked[self.wish.job.llm].prompt
        own = paraphrases(usual.name, self.study.folder / "prompts")
        strange = [p.name for p in own if set(p.head.inputs) != set(usual.head.inputs)]
        if strange:
            raise InputError(
                f"prompt {strange[0]}: must declare the inputs of {usual.name}: {', '.join(usual.head.inputs)}"
            )
        return {p.name: p for p in [*(one.prompt for one in self.asked.values()), *own]}

    def plan(self) -> StabilityPlan:
        """The sample and the variations.

        Raises:
            StudyError: the run asked no model about any segment outside the test split.
        """
        usual = self.asked[self.wish.job.llm]
        varied = vary(
            usual,
            codes=[code.id for code in self.work.framework.assignable],
            paraphrases=[p for name, p in self.prompts.items() if name.startswith(f"{usual.prompt.name}.paraphrase")],
            others=[one for spec, one in self.asked.items() if spec != self.wish.job.llm],
            seeds=self.wish.seeds,
            orders=self.wish.orders,
            temperature=self.wish.temperature,
            seed=self.wish.seed,
        )
        return StabilityPlan(
            run_id=self.run.id,
            model=usual.model,
            prompt=usual.prompt.name,
            prompt_digest=usual.prompt.digest,
            sample=self._sample(),
            variations=varied.variations,
            not_varied=varied.not_varied,
            idle=varied.idle,
        )

    def _sample(self) -> Sample:
        given = self.work.store.findings.codings(self.run.id)
        failed = {c.segment_id for c in given if c.outcome is Outcome.FAILED}
        asked = {c.segment_id for c in given if c.provenance.asked} - failed
        sealed = _sealed(self.study)
        people: dict[str, list[str]] = {}
        for s in self.work.segments:
            if s.id in asked and s.participant not in sealed:
                people.setdefault(s.participant, []).append(s.id)
        if not people:
            raise StudyError(
                f"{self.study.folder}: the last run got no answer from a language model about a segment outside the "
                "test split, so there is nothing to ask again; name a model or raise ask_share, and analyse again"
            )
        return draw(
            people,
            segments=self.wish.segments,
            participants=self.wish.participants,
            seed=self.wish.seed,
            everything=sum(s.participant not in sealed for s in self.work.segments),
            left_out=sum(s.id in asked and s.participant in sealed for s in self.work.segments),
        )

    def asker(self, test: StabilityTest, spec: str, how: Sampling = USUAL) -> Asker:
        """Who asks a model on behalf of a test; all models are under one limit.

        Raises:
            ConsentError: words would leave this machine whose speaker did not agree to that.
        """
        self.work.demand_consent(self.models[spec])
        budget = self.budget(test.id, spec)
        store = self.work.store
        asker = Asker(self.models[spec], store.ledger, test.id, budget=budget, sampling=how, claims=store.claims)
        self._askers.append(asker)
        return asker

    def budget(self, test_id: str | None, spec: str) -> Budget:
        """What the test may still spend on a model, with what the ledger says that all have taken.

        Models are asked one after the other, so what the others took is known when one's turn comes.

        Raises:
            InputError: money is limited and the model's price unknown.
        """
        model, job = self.models[spec], self.wish.job
        spent = {s.model: s for s in self.work.store.ledger.spending(test_id)} if test_id else {}
        own = spent.pop(model.id, Spending(model.id))
        price = price_at(model.id, model.endpoint)
        return Budget(Limit(job.budget, job.calls), price, own, bill(list(spent.values())))


def _base(work: Workbench) -> Run:
    """The last finished run, if it is of the study as it is now."""
    run = work.store.runs.latest()
    if run is None:
        raise StudyError(f"{work.study.folder}: no analysis has finished yet; run `belonging analyse`")
    inputs = work.inputs()
    if run.inputs_digest != digest(inputs):
        differs = ", ".join(differences(work.store.runs.inputs(run), inputs))
        raise StudyError(
            f"{work.study.folder}: the last run was made with other inputs than there are now ({differs}), so that "
            "more would vary than one thing; run `belonging analyse` first, or name its model with --llm"
        )
    return run


def _usual(work: Workbench) -> ChatModel:
    if work.model is None:
        raise InputError(
            "--llm none: the last run asked no language model, and what is computed here comes out the same each time"
        )
    return work.model


def _others(work: Workbench, specs: Sequence[str]) -> dict[str, ChatModel]:
    """Other models than the run's, each once, whatever it is called."""
    found: dict[str, ChatModel] = {}
    for spec in specs:
        model = factory.chat_model(spec, allow_remote=work.settings.allow_remote)
        if model is None:
            raise InputError(f"--also {spec}: not a language model")
        if model.id not in {_usual(work).id, *(one.id for one in found.values())}:
            found[spec] = model
    return found


def _sealed(study: Study) -> set[str]:
    """Participants of the test split; those whom people have coded are parted first, as an analysis does."""
    if study.store.findings.judgements():
        try:
            return {who for who, part in parts(study).items() if part == TEST}
        except StudyError:
            # Too few participants to keep any apart.
            return set()
    return {who for who, part in study.store.audits.parts().items() if part == TEST}
