"""The steps of a withdrawal, in an order in which it may die at any of them: what is whose is known until all is out.

Files go first, since they are found by what the database knows; then, in one transaction, the rows; then what the
database has freed, and Prefect's records; the certificate is last.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from belonging_llm import speaker_table
from belonging_llm.errors import Incomplete, StudyError
from belonging_llm.provenance import now
from belonging_llm.store import Leaving, Left, Withdrawal
from belonging_llm.study import SETTINGS, Study
from belonging_llm.withdrawal.blanking import blanked, stretches
from belonging_llm.withdrawal.certificate import Certificate, FileLine, ProviderLine, Step, lines
from belonging_llm.withdrawal.reading import text_of
from belonging_llm.withdrawal.sweeping import CERTIFICATES, Fate, Found, sweep
from belonging_llm.withdrawal.traces import Traces, traces
from belonging_llm.workers import alone

BEYOND = (
    "backups and copies of the study's folder, and whatever was exported, printed or mailed from it before",
    "what people remember and wrote down elsewhere, publications included",
    "the key of a de-identified study, and the raw files sealed beside it: delete what is theirs there",
    "what file systems keep of deleted files (snapshots, journals, flash storage): overwrite or encrypt the disk",
)
SERVER = (
    "what the PostgreSQL server keeps beside the tables: its write-ahead log and archives of it, replicas, backups, "
    "statement logs where they are switched on: whoever runs it has to expire them"
)


def withdraw(study: Study, participant: str, by: str) -> tuple[Certificate, Path]:
    """Take a participant out of a study; killed half way, the same call finishes.

    Returns:
        The certificate and its file (text; the same as JSON lies beside it).

    Raises:
        StudyError: nobody in the study is called so.
        Incomplete: another process works on the study, on this machine or on the same database.
    """
    from filelock import FileLock, Timeout

    try:
        with (
            FileLock(study.folder / ".schedule.lock", timeout=0),
            FileLock(study.folder / ".batch.lock", timeout=0),
            alone(study),
        ):
            return _withdraw(study, participant, by)
    except Timeout as error:
        raise Incomplete(
            "another process is seeing to this study's batches, or serves its schedule; end it and rerun"
        ) from error


def _withdraw(study: Study, participant: str, by: str) -> tuple[Certificate, Path]:
    kept = study.store.withdrawals
    begun = next((one for one in kept.open() if one.participant == participant), None)
    if begun is None or begun.state == "begun":
        theirs = traces(study, participant)
        begun = begun or kept.begin(participant, by)
        begun = _sweep(study, theirs, begun)
        begun = kept.empty(begun.id, _leaving(study, theirs))
    else:
        begun = kept.empty_again(begun.id, {s.text_digest for s in study.store.corpus.every_segment()})
    speaker_table.write(study)
    compacted = kept.purge()
    prefect = _forget_runs(study)
    made = _certificate(study, begun, compacted, prefect)
    path = _write(study, made)
    kept.finish(begun.id)
    # What was noted on the way named the participant; it must not outlive the end in a freed page.
    kept.purge()
    return made, path


def _sweep(study: Study, theirs: Traces, begun: Withdrawal) -> Withdrawal:
    """Files, with a note of each before it is touched; and what stays and speaks of them all the same."""
    kept = study.store.withdrawals
    known = {f"{one['place']} {one['sha256']}": one for one in begun.content.get(Step.FILES, [])}

    def before(found: Found) -> None:
        place = _veiled(str(found.path.relative_to(study.folder)), theirs, begun)
        if found.fate is Fate.REPORTED:
            return
        line = FileLine(place=place, fate=found.fate, sha256=found.digest)
        # Told twice about a file, this remembers the first: that is when it was whole.
        known.setdefault(f"{place} {found.digest}", line.model_dump())
        kept.note(begun.id, **{Step.FILES: list(known.values())})
        if found.digest and found.path.relative_to(study.folder).parts[0] != "reports":
            kept.bury(begun.id, [found.digest])

    sweep(study, theirs, before)
    providers = [one.model_dump() for one in _providers(study.store.ledger.departures(), theirs.participant)]
    elsewhere = list(_elsewhere(study, theirs))
    return kept.note(begun.id, **{Step.ELSEWHERE: elsewhere, Step.PROVIDERS: providers})


def _veiled(place: str, theirs: Traces, begun: Withdrawal) -> str:
    return theirs.veiled(place, f"[{_reference(begun)}]")


def _reference(begun: Withdrawal) -> str:
    return f"withdrawn-{begun.id[:8]}"


def _leaving(study: Study, theirs: Traces) -> Leaving:
    corpus = study.store.corpus
    stay = [s for s in corpus.every_segment() if s.id not in theirs.segments]
    recast = {t.id: (blanked(t, theirs), stretches(t, theirs)) for t in theirs.shared}
    texts = {t.id for t in theirs.alone} | {t.id for t in theirs.shared}
    projects = {one.digest for one in study.store.exchanges.brought() if _came_with(study, texts)}
    return Leaving(
        participant=theirs.participant,
        gone=[t.id for t in theirs.alone],
        recast=recast,
        segments=theirs.segments,
        kept_texts={s.text_digest for s in stay},
        kept_words={s.id: s.text for s in stay},
        concerns=theirs.concerns,
        owns=theirs.owns,
        tombstones=theirs.sources | texts | projects,
    )


def _came_with(study: Study, texts: set[str]) -> bool:
    """Whether any of these transcripts came with another program's project."""
    return any(source.transcript_id in texts for source in study.store.exchanges.sources())


def _providers(log: Sequence[Left], participant: str) -> Iterator[ProviderLine]:
    groups: dict[tuple[str, str, bool], list[Left]] = {}
    for one in log:
        if one.about is None or participant in one.about:
            groups.setdefault((one.endpoint, one.model, one.about is not None), []).append(one)
    for (endpoint, model, sure), sent in groups.items():
        yield ProviderLine(
            endpoint=endpoint,
            model=model,
            away=sent[0].away,
            sure=sure,
            requests=len(sent),
            first=sent[0].at,
            last=sent[-1].at,
            digests=tuple(one.digest for one in sent),
        )


def _elsewhere(study: Study, theirs: Traces) -> Iterator[str]:
    """Places that stay and hold their words or their name: a person has to judge these."""
    framework = study.framework()
    for code in framework.codes:
        # Their words go, and examples; what names them elsewhere is other people's sentence.
        if any(map(theirs.names_them, (code.name, code.definition, code.include, code.exclude))):
            yield f"codebook {framework.id}, code {code.id} names them"
        if any(map(theirs.owns, (code.definition, code.include, code.exclude))):
            yield f"codebook {framework.id}, code {code.id}: a text in their words was emptied; write it anew"
    places = [study.folder / SETTINGS, *sorted((study.folder / "prompts").rglob("*"))]
    places += [p for p in sorted(study.folder.rglob("*")) if p.suffix.lower() in {".yaml", ".yml"}]
    for path in places:
        if path.is_file() and (theirs.owns(text := text_of(path) or "") or theirs.names_them(text)):
            yield f"file {path.relative_to(study.folder)}"
    gone = {t.id for t in theirs.alone}
    for ident, name in sorted(study.store.corpus.names().items()):
        if ident in gone:
            continue
        transcript = study.store.corpus.transcript(ident)
        others = [t for t in transcript.turns if not theirs.is_theirs(t, transcript)]
        if said := sum(theirs.names_them(transcript.said(turn)) for turn in others):
            yield f"transcript {theirs.veiled(name, '[participant]')}: others name them in {said} turns"


def _forget_runs(study: Study) -> str:
    """Delete Prefect's own records of this study's runs; the next run makes them anew."""
    elsewhere = os.environ.get("PREFECT_HOME", "")
    shutil.rmtree(study.prefect_home, ignore_errors=True)
    if study.prefect_home.exists():
        raise Incomplete(f"{study.prefect_home} cannot be deleted; end what runs on the study, and run this again")
    if elsewhere and Path(elsewhere).resolve() != study.prefect_home:
        return f"deleted in the study; PREFECT_HOME {elsewhere} is not this study's alone and stays; it has no text"
    return "deleted with the whole history of runs; it holds none of the study's findings"


def _certificate(study: Study, begun: Withdrawal, compacted: bool, prefect: str) -> Certificate:
    content = begun.content
    providers = tuple(ProviderLine.model_validate(one) for one in content.get(Step.PROVIDERS, []))
    away = sorted({one.endpoint for one in providers if one.away})
    copies = [f"what {', '.join(away)} keep of the requests above: ask them to delete it"] if away else []
    if (inbox := study.settings.inbox) and not _inside(study, inbox):
        copies.append(f"files in the inbox {inbox}: take theirs out there; they do not come in again")
    return Certificate(
        reference=_reference(begun),
        study=study.settings.name,
        by=begun.by,
        begun_at=begun.begun_at,
        finished_at=now(),
        rows=content.get(Step.ROWS, {}),
        files=tuple(FileLine.model_validate(one) for one in content.get(Step.FILES, [])),
        elsewhere=tuple(content.get(Step.ELSEWHERE, [])),
        compacted=compacted,
        on_server=study.store.on_server,
        prefect=prefect,
        providers=providers,
        beyond=(*copies, *BEYOND, *([SERVER] if study.store.on_server else [])),
    )


def _inside(study: Study, place: str) -> bool:
    """Whether a place is in the study's own folder, which has been swept."""
    return "://" not in place and (study.folder / place).resolve().is_relative_to(study.folder)


def _write(study: Study, made: Certificate) -> Path:
    folder = study.folder / CERTIFICATES
    try:
        folder.mkdir(exist_ok=True)
        data = made.model_dump(mode="json")
        (folder / f"{made.reference}.json").write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", "utf-8")
        path = folder / f"{made.reference}.txt"
        path.write_text("\n".join(lines(made)) + "\n", "utf-8")
    except OSError as error:
        raise StudyError(f"{folder}: the certificate cannot be written: {error}") from error
    return path
