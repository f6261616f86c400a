"""A study with everything in it that a review page may show, and ids to put into its addresses."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import disputed

from belonging_llm import study as studies
from belonging_llm.clusters import Belongs
from belonging_llm.codes import Coding, EvidenceSpan, Outcome, Polarity
from belonging_llm.review import accounts
from belonging_llm.review.passwords import hashed
from belonging_llm.review.tokens import token_digest
from belonging_llm.segments import Segment, split
from belonging_llm.store import Role
from belonging_llm.study import Study
from belonging_llm.themes import Mapping, Theme, ThemeMember
from belonging_llm.themes.theme import MappedCode, Quote
from belonging_llm.transcripts import parse_text

PASSWORD = "four words nobody guesses"  # noqa: S105
# Stand in what the model and other coders said, and nowhere else: a blind page that shows one of them leaks.
MODELS_WORDS, OTHERS_WORDS = "models-own-rationale", "another-coders-memo"
QUESTIONS = ("How did you find the group?", "What made a difference for you?", "And how is it now?")
ANSWERS = (
    "At first I knew nobody there. Then a tutor of mine wrote to me every single week, and I felt seen by somebody.",
    "The forum was always awake when I was. We helped each other through every exam, and that made it feel like home.",
    "Some days I still feel like a guest. When the system is down I sit alone in my kitchen and nobody would know.",
)
CODER, OTHER, ADJUDICATOR, ADMIN, SPARE = "ann", "ben", "dora", "mia", "zoe"
PEOPLE = {
    CODER: Role.CODER,
    OTHER: Role.CODER,
    ADJUDICATOR: Role.ADJUDICATOR,
    ADMIN: Role.ADMIN,
    SPARE: Role.CODER,
}


@dataclass(frozen=True)
class World:
    """A study's folder, and what stands in braces in pages' examples."""

    folder: Path
    ids: dict[str, str] = field(default_factory=dict)

    def open(self) -> Study:
        return Study(self.folder)

    def fill(self, example: str) -> str:
        """An example's address (or a form's value) with ids of this study."""
        for name, value in self.ids.items():
            example = example.replace("{" + name + "}", value)
        return example


def make(
    folder: Path, *, participants: Iterable[str] = ("P01", "P02", "P03"), hostile: str = "", disputes: bool = True
) -> World:
    """A study with interviews, people's and a model's codings, themes, and an account of every kind.

    Args:
        hostile: Put into every place where somebody's words may stand.
        disputes: Two more people have coded it, and do not agree; without, nobody has.
    """
    made = studies.create(folder)
    segments = list(_interviews(made, participants, hostile))
    run = _analysed(made, segments, hostile)
    said = {"models": MODELS_WORDS, "others": OTHERS_WORDS, "hostile": hostile}
    more = disputed.fill(made, segments, **said) if disputes else {}
    _people(made)
    link = accounts.invite(made, SPARE)
    theme = made.store.findings.themes(run)[0]
    ids = {
        "segment": segments[0].id,
        "transcript": segments[0].transcript_id,
        "run": run,
        "theme": theme.id,
        "code": made.framework().assignable[0].id,
        "reviewer": CODER,
        "spare": SPARE,
        "link": link,
        "codebook": made.framework().digest,
        "participant": segments[0].participant,
    }
    made.store.close()
    return World(folder, ids | more)


def set_password(study: Study, name: str, password: str = PASSWORD, *, kept: str = "") -> None:
    token = accounts.invite(study, name)
    assert study.store.reviewers.set_password(token_digest(token), kept or hashed(password))


def _interviews(study: Study, participants: Iterable[str], hostile: str) -> Iterable[Segment]:
    for who in participants:
        said = "\n\n".join(
            f"Interviewer: {question}\n\n{who}: {answer} {hostile} I am {who}."
            for question, answer in zip(QUESTIONS, ANSWERS, strict=True)
        )
        talk = parse_text(said + "\n", name=f"{who} {hostile}".strip(), place=who)
        assert study.store.corpus.add(talk)
        cut = split(talk, min_words=6, max_words=24)
        study.store.corpus.add_segments(talk.id, cut, "tests' own cut")
        yield from cut


def _analysed(study: Study, segments: list[Segment], hostile: str) -> str:
    """A finished run: each third segment has the first code, each fourth the second; one theme."""
    store, codes = study.store, study.framework().assignable
    run = store.runs.start("inputs", {"llm": {"model": "pretend"}, "seed": 0})
    codings = []
    for n, segment in enumerate(segments):
        for k, code in enumerate(codes[:4]):
            yes = n % (3 + k) == 0
            codings.append(
                Coding(
                    segment_id=segment.id,
                    code=code.id,
                    coder="model:pretend",
                    outcome=Outcome.ASSIGNED if yes else Outcome.NOT_ASSIGNED,
                    polarity=Polarity.EXPERIENCED if yes else None,
                    confidence=0.8 if yes else 0.9,
                    evidence=(EvidenceSpan(start=0, end=10),) if yes else (),
                    rationale=f"{MODELS_WORDS} {hostile}",
                )
            )
    store.findings.add_codings(codings, run.id)
    members = [ThemeMember(segment_id=s.id, strength=0.9, belongs=Belongs.CORE) for s in segments[:5]]
    theme = Theme(
        id="Tpretend",
        ordinal=1,
        name=f"Being seen {hostile}",
        definition=f"{MODELS_WORDS} {hostile}",
        members=tuple(members),
        quotes=(Quote(segment_id=segments[0].id, start=0, end=8),),
        exemplars=(segments[0].id,),
        by="pretend",
        mapping=Mapping(codes=(MappedCode(code=codes[0].id, rationale=f"{MODELS_WORDS} {hostile}"),), by="pretend"),
    )
    store.findings.add_themes(run.id, [theme])
    store.runs.note(run.id, segments=len(segments))
    store.runs.finish(run.id, "complete")
    return run.id


def _people(study: Study) -> None:
    kept = hashed(PASSWORD)
    for name, role in PEOPLE.items():
        accounts.add(study, name, role)
        if role is Role.CODER:
            accounts.assign(study, name, seed=7)
        if name != SPARE:
            set_password(study, name, kept=kept)
