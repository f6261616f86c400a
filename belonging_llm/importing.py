"""Bring files into a study: transcripts, segments, people's codings, codebooks, participants, speakers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from belonging_llm import codebook, exchange, segments, speaker_table, tables, transcripts
from belonging_llm.codes import Coding, EvidenceSpan, Judgement, Outcome, Polarity
from belonging_llm.errors import InputError, TableError
from belonging_llm.evidence import find
from belonging_llm.provenance import file_digest
from belonging_llm.speaker_table import SpeakerRow
from belonging_llm.study import Study
from belonging_llm.transcripts import Options, Role, Transcript, Turn
from belonging_llm.transcripts.sheet import read_sheet
from belonging_llm.transcripts.speakers import is_interviewer
from belonging_llm.transcripts.turns_table import ENDINGS as TURN_ENDINGS
from belonging_llm.transcripts.turns_table import holds_turns, read_turns

GAP = "\n\n"


class Kind(StrEnum):
    """What a file brings."""

    TRANSCRIPTS = "transcripts"
    TURNS = "turns"
    SEGMENTS = "segments"
    CODINGS = "codings"
    CODED_BY = "coded-by"
    CODEBOOK = "codebook"
    PARTICIPANTS = "participants"
    REFI = "refi"
    SPEAKERS = "speakers"


@dataclass(frozen=True)
class Imported:
    """What became of one file.

    Attributes:
        added: How many transcripts, segments, codings, codes or participants were new.
        problem: Why nothing (or not everything) came in; empty when all is well.
        details: What else somebody should know, a line each.
        speakers: Who was found to speak, for people to look over.
        withdrawn: It stays out, since somebody withdrew.
    """

    path: Path
    kind: Kind | None
    added: int = 0
    note: str = ""
    problem: str = ""
    speakers: tuple[SpeakerRow, ...] = ()
    details: tuple[str, ...] = ()
    withdrawn: bool = False


class _Withdrawn(InputError):
    """It stays out, since somebody withdrew."""


def import_paths(
    study: Study,
    paths: Sequence[Path],
    kind: Kind | None = None,
    wish: exchange.Wish | None = None,
    *,
    options: Options | None = None,
) -> list[Imported]:
    """Bring in every file; one that fails is reported and the others go on.

    Args:
        paths: Files, or folders whose files are taken in name order.
        kind: None detects it from ending, content and columns.
        wish: What somebody chose for another program's projects.
        options: What a person decided about tracked changes and columns.

    Raises:
        InputError: a person changed the study's table of speakers in a way that cannot be followed.
    """
    speaker_table.take_up(study)
    found = [import_file(study, path, kind, wish, options=options) for path in files_of(paths)]
    if any(item.speakers for item in found):
        speaker_table.write(study)
    return sorted(found, key=lambda item: paths_order(item.path, paths))


def import_file(
    study: Study, path: Path, kind: Kind | None = None, wish: exchange.Wish | None = None, *, options: Options | None
) -> Imported:
    """Bring in one file, or say why it cannot be; as `import_paths`, but for the table of speakers."""
    try:
        return _import(study, path, kind or detect(path), wish or exchange.Wish(), options or Options())
    except InputError as error:
        return Imported(path, kind, problem=str(error), withdrawn=isinstance(error, _Withdrawn))


def paths_order(path: Path, paths: Sequence[Path]) -> tuple[int, str]:
    """Reports come in the order in which the paths were given."""
    place = next((i for i, given in enumerate(paths) if path == given or given in path.parents), len(paths))
    return place, path.name


def detect(path: Path) -> Kind:
    """The kind of a file, by its ending and columns.

    Raises:
        InputError: no kind fits; says what was found.
    """
    if path.suffix.lower() in transcripts.ENDINGS:
        return Kind.TRANSCRIPTS
    if path.suffix.lower() in {".yaml", ".yml", ".qdc"}:
        return Kind.CODEBOOK
    if exchange.is_project(path):
        return Kind.REFI
    has = _columns(path).keys()
    if {"segment_id", "text", "document_id"} <= has and "coder" not in has:
        return Kind.SEGMENTS
    if {"segment_id", "coder"} <= has:
        return Kind.CODINGS if "code" in has else Kind.CODED_BY
    if {"code", "definition"} <= has:
        return Kind.CODEBOOK
    if {"speaker", "role", "known_by"} <= has:
        return Kind.SPEAKERS
    if path.suffix.lower() in TURN_ENDINGS and holds_turns(path):
        return Kind.TURNS
    if "participant_id" in has:
        return Kind.PARTICIPANTS
    raise TableError(f"{path}: its columns ({', '.join(has)}) fit no kind; name one with --kind {'|'.join(Kind)}")


def _columns(path: Path) -> dict[str, None]:
    """The names of a table's columns in its order, also in an older encoding or parted by semicolons."""
    try:
        has = tables.columns(path)
        if len(has) > 1:
            return has
        problem = None
    except TableError as error:
        has, problem = {}, error
    try:
        names = next(iter(read_sheet(path).rows.values()))
    except InputError:
        if problem:
            raise problem from None
        return has
    return dict.fromkeys(name.strip() for name in names.values())


def files_of(paths: Sequence[Path]) -> Iterable[Path]:
    """Transcripts and codebooks before what refers to them: segments, then codings."""
    files: list[Path] = []
    for path in paths:
        files += _inside(path) if path.is_dir() and not exchange.is_project(path) else [path]
    late = {"segments": 1, "participants": 1, "codings": 2, "codes": 2, "coded_by": 3, "coded-by": 3, "speakers": 4}
    return sorted(files, key=lambda p: late.get(p.stem.lower(), 0))


def _inside(folder: Path) -> Iterable[Path]:
    """The files of a folder, in name order; a project that is a folder counts as one file."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir() and not exchange.is_project(path):
            yield from _inside(path)
        else:
            yield path


def _import(study: Study, path: Path, kind: Kind, wish: exchange.Wish, options: Options) -> Imported:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if path.is_file() and study.store.withdrawals.is_buried(file_digest(path)):
        raise _Withdrawn(f"{path}: stays out, since it holds what somebody who withdrew from this study had in it")
    match kind:
        case Kind.TRANSCRIPTS:
            return _transcripts(study, path, kind, [transcripts.read(path, options)])
        case Kind.TURNS:
            return _transcripts(study, path, kind, read_turns(path, options))
        case Kind.PARTICIPANTS:
            return _participants(study, path, options.columns.get("participant", "participant_id"))
        case Kind.REFI:
            return _project(study, path, wish)
    importers = {
        Kind.SEGMENTS: _segments,
        Kind.CODINGS: _codings,
        Kind.CODED_BY: _coded_by,
        Kind.CODEBOOK: _codebook,
        Kind.SPEAKERS: _speakers,
    }
    return importers[kind](study, path)


def _transcripts(study: Study, path: Path, kind: Kind, found: Sequence[Transcript]) -> Imported:
    """Keep what a file held: one transcript, or several in a table; never again who withdrew or what was de-identified.

    Raises:
        InputError: it holds words of somebody who withdrew; or it is in already, read another way.
    """
    corpus = study.store.corpus
    buried = [t.name for t in found if study.store.withdrawals.is_buried(t.id)]
    if buried:
        raise _Withdrawn(f"{path}: stays out, since it holds words of somebody who withdrew ({', '.join(buried)})")
    before = next((name for t in found if t.source and (name := corpus.deidentified_from(t.source.digest))), None)
    if before is not None:
        return Imported(path, kind, note=f"left out: it is in, de-identified, as {before}")
    _demand_one_reading(study, path, found)
    fresh = [transcript for transcript in found if study.store.corpus.add(transcript)]
    if not fresh:
        twins = sorted(set(study.store.corpus.names([transcript.id for transcript in found]).values()))
        return Imported(path, kind, note=f"already in as {', '.join(twins)}")
    turns = [turn for transcript in fresh for turn in transcript.turns]
    said = sum(turn.role is Role.PARTICIPANT for turn in turns)
    left = sum(turn.role is Role.BOILERPLATE for turn in turns)
    read_as = f"{fresh[0].source.format}: " if fresh[0].source and fresh[0].source.format != "text" else ""
    note = f"{read_as}{fresh[0].kind}, {said} participant turns" + (
        f", {left} passages left out as boilerplate" if left else ""
    )
    notes = dict.fromkeys(note for transcript in fresh if transcript.source for note in transcript.source.notes)
    known = [f"{len(found) - len(fresh)} transcripts already in"] if len(fresh) < len(found) else []
    rows = speaker_table.rows(study, [transcript.id for transcript in fresh])
    return Imported(path, kind, len(fresh), "; ".join([note, *notes, *known]), speakers=tuple(rows))


def _demand_one_reading(study: Study, path: Path, found: Sequence[Transcript]) -> None:
    """A file's words count once, whatever columns or changes were chosen."""
    ids = {one.id for one in found}
    digests = {one.source.digest for one in found if one.source}
    there = {i: name for digest in digests for i, name in study.store.corpus.read_from(digest).items()}
    if other := [name for i, name in there.items() if i not in ids]:
        raise InputError(
            f"{path}: is in already, read another way ({', '.join(other)}), and its words would count twice; nothing "
            "was added. To read it otherwise, import it into a new study"
        )


def _segments(study: Study, path: Path) -> Imported:
    rows = tables.read_rows(path, "segment_id", "document_id", "text")
    documents, problems = _by_document(rows, path, study)
    added = 0
    for name, given in documents.items():
        document = _document(name, given)
        if study.store.corpus.add(document, segments.split(document)):
            added += len(given)
    kept = sum(map(len, documents.values()))
    note = f"{len(documents)} documents, {kept - added} segments already in" if kept > added else ""
    return Imported(path, Kind.SEGMENTS, added, note or f"{len(documents)} documents", "; ".join(problems))


def _by_document(
    rows: Sequence[dict[str, str]], path: Path, study: Study
) -> tuple[dict[str, list[dict[str, str]]], list[str]]:
    """Rows by document, and what is wrong with those that are left out."""
    documents: dict[str, list[dict[str, str]]] = defaultdict(list)
    seen: set[str] = set()
    problems = []
    for number, row in enumerate(rows, 2):
        ident, text = row["segment_id"].strip(), row["text"].replace("\r\n", "\n").replace("\r", "\n").strip()
        known = study.store.corpus.segment_text(ident)
        if not ident or not text:
            problems.append(f"{path}, row {number}: left out, since segment_id or text is empty")
        elif ident in seen or (known is not None and known != text):
            problems.append(f"{path}, row {number}: left out, since segment {ident} is already in with other words")
        else:
            seen.add(ident)
            documents[row["document_id"].strip() or "unknown"].append(row | {"segment_id": ident, "text": text})
    return documents, problems


def _document(name: str, rows: Sequence[dict[str, str]]) -> Transcript:
    """A transcript whose turns are the given units, in their order."""
    turns, at = [], 0
    for ordinal, row in enumerate(rows, 1):
        speaker = row.get("speaker", "").strip()
        role = Role.INTERVIEWER if is_interviewer(speaker) else Role.PARTICIPANT
        turn = Turn(
            ordinal=ordinal,
            speaker=speaker,
            role=role,
            start=at,
            end=at + len(row["text"]),
            participant=(row.get("participant_id", "").strip() or name) if role is Role.PARTICIPANT else None,
            segment_id=row["segment_id"],
        )
        turns.append(turn)
        at = turn.end + len(GAP)
    text = GAP.join(row["text"] for row in rows)
    return Transcript(name=name, kind="segments", text=text, turns=tuple(turns), header={"document": name})


def _codings(study: Study, path: Path) -> Imported:
    rows = tables.read_rows(path, "segment_id", "coder", "code")
    known = {s.id: s.text for s in _known_segments(study)}
    framework = study.framework()
    codes = {code.id for code in framework.codes} | framework.absorbed.keys()
    codings, problems, blank = [], [], 0
    theirs = exchange.claimed(study)
    judged: dict[tuple[str, str], Judgement] = {}
    for number, row in enumerate(rows, 2):
        if not row["coder"].strip():
            blank += 1
            continue
        try:
            if why := theirs.why(row["segment_id"], row["coder"].strip()):
                raise InputError(why)
            codings += _human(row, known, codes)
            _judge(judged, row)
        except InputError as error:
            problems.append(f"{path}, row {number}: left out, since {error}")
    study.store.findings.add_codings(codings)
    study.store.findings.add_judged(list(judged.values()))
    unsigned = f", {_rows(blank)} without a coder taken as not judged" if blank else ""
    said = f"{len(judged)} judgement{'' if len(judged) == 1 else 's'}"
    return Imported(path, Kind.CODINGS, len(codings), f"{said}{unsigned}", _several(problems))


def _judge(judged: dict[tuple[str, str], Judgement], row: dict[str, str]) -> None:
    """Note that a coder judged a segment; who saw the model's codings once has seen them."""
    key = (row["segment_id"], row["coder"].strip())
    known = judged.get(key)
    judged[key] = Judgement(
        segment_id=key[0],
        coder=key[1],
        saw_model=_yes(row.get("saw_model", "")) or bool(known and known.saw_model),
        at=row.get("at", "").strip() or (known.at if known else ""),
    )


def _yes(text: str) -> bool:
    """Whether a cell says yes.

    Raises:
        InputError: it says neither yes nor no.
    """
    said = text.strip().lower()
    if said not in {"", "yes", "true", "1", "no", "false", "0"}:
        raise InputError(f"saw_model {text!r} is neither yes nor no")
    return said in {"yes", "true", "1"}


def _human(row: dict[str, str], known: dict[str, str], codes: set[str]) -> list[Coding]:
    segment_id, code, quote = row["segment_id"], row["code"].strip(), row.get("evidence", "")
    if segment_id not in known:
        raise InputError(f"segment {segment_id} is not in the study")
    if not code:
        return []
    if code not in codes:
        raise InputError(f"code {code} is not in the codebook")
    place = find(quote, known[segment_id]) if quote else None
    polarity = row.get("polarity", "").strip()
    if polarity and polarity not in set(Polarity):
        raise InputError(f"polarity {polarity} is not one of {', '.join(Polarity)}")
    return [
        Coding(
            segment_id=segment_id,
            code=code,
            coder=row["coder"].strip(),
            outcome=Outcome.ASSIGNED,
            polarity=Polarity(polarity) if polarity else None,
            evidence=(EvidenceSpan(start=place.span.start, end=place.span.end, repaired=place.repaired),)
            if place
            else (),
            rationale=row.get("reason", "") or row.get("memo", ""),
        )
    ]


def _coded_by(study: Study, path: Path) -> Imported:
    rows = tables.read_rows(path, "segment_id", "coder")
    known = {s.id for s in _known_segments(study)}
    judged: dict[tuple[str, str], Judgement] = {}
    kept = [row for row in rows if row["segment_id"] in known and row["coder"].strip()]
    for row in kept:
        _judge(judged, row)
    study.store.findings.add_judged(list(judged.values()))
    lost = len(rows) - len(kept)
    problem = f"{path}: {_rows(lost)} left out, without a coder or a segment of the study" if lost else ""
    return Imported(path, Kind.CODED_BY, len(judged), problem=problem)


def _known_segments(study: Study) -> list[segments.Segment]:
    """Every segment, after cutting transcripts that are still whole: codings refer to segments."""
    split_transcripts(study)
    return study.store.corpus.segments()


def split_transcripts(study: Study, only: Sequence[str] | None = None) -> int:
    """Cut the transcripts that were not cut yet under these settings; returns how many.

    Args:
        only: Ids of transcripts to look at, when looking at all would take long.

    Raises:
        InputError: a person changed the study's table of speakers in a way that cannot be followed.
    """
    if only is None:
        speaker_table.take_up(study)
    settings = study.settings
    used = f"{settings.min_words}-{settings.max_words} words, {settings.language}"
    waiting = study.store.corpus.unsplit(used, only)
    for transcript_id in waiting:
        found = segments.split(
            study.store.corpus.transcript(transcript_id),
            min_words=settings.min_words,
            max_words=settings.max_words,
            language=settings.language,
        )
        study.store.corpus.add_segments(transcript_id, found, used)
    exchange.place(study, waiting)
    return len(waiting)


def _codebook(study: Study, path: Path) -> Imported:
    details: tuple[str, ...] = ()
    if path.suffix.lower() in {".yaml", ".yml"}:
        framework = codebook.read_yaml(path)
    elif path.suffix.lower() == ".qdc":
        framework, details = exchange.read_codebook(path)
    else:
        framework = codebook.from_rows(tables.read_rows(path, "code"), name=path.stem, place=str(path))
    fresh = study.store.codebooks.use(framework, reason=f"brought in with {path.name}")
    note = f"{len(framework.assignable)} codes that segments can receive" if fresh else "already in use"
    return Imported(path, Kind.CODEBOOK, len(framework.codes) if fresh else 0, note, details=details)


def _project(study: Study, path: Path, wish: exchange.Wish) -> Imported:
    """Bring in another program's project; its codings find the segments that they touch."""
    digest = exchange.content_digest(path)
    if study.store.exchanges.is_in(digest):
        return Imported(path, Kind.REFI, note="already in")
    name, settled = exchange.read(path, wish)
    received = exchange.receive(study, settled, digest=digest, file=path.name, codebook=wish.codebook)
    split_transcripts(study)
    placed = exchange.place(study, received.transcripts)
    lost = [str(one) for one in settled.left_out if one.codings]
    other = [f"left out: {one}" for one in settled.left_out if not one.codings]
    missing = settled.codings - received.codings
    counted = f"{settled.codings} codings in the file: {received.codings} kept, {missing} left out"
    note = f"{name} {settled.project.name}; {received.texts} new texts; {counted}"
    outside = f"{placed.outside} codings touch no segment: they are kept with their passages and not learned from"
    theirs = [
        f"{n} codings by {who}, who codes in the review application, are kept with their passages and not counted: "
        "rename the user in the project if they are to count beside what was said there"
        for who, n in placed.claimed.items()
    ]
    details = (*settled.notes, *received.notes, *([outside] if placed.outside else []), *theirs, *other)
    problem = f"{path}: {missing} codings left out: {_several(lost)}" if lost else ""
    speakers = speaker_table.rows(study, sorted(received.transcripts))
    return Imported(path, Kind.REFI, received.codings, note, problem, tuple(speakers), details)


def _participants(study: Study, path: Path, key: str) -> Imported:
    rows, notes = _attributes(path, key)
    attributes: dict[str, dict[str, str]] = {}
    problems = []
    for number, row in rows:
        who = row[key].strip()
        if not who or who in attributes:
            why = f"an earlier row describes {who}" if who else f"{key} is empty"
            problems.append(f"{path}, row {number}: left out, since {why}")
        else:
            attributes[who] = {name: cell for name, cell in row.items() if name != key}
    study.store.corpus.set_participants(attributes)
    details = tuple(_strangers(study, attributes))
    return Imported(path, Kind.PARTICIPANTS, len(attributes), "; ".join(notes), _several(problems), details=details)


def _strangers(study: Study, described: Iterable[str], most: int = 20) -> Iterator[str]:
    """Ids that nobody in a transcript has: mistyped, or of people whose interviews are yet to come."""
    talks = map(study.store.corpus.transcript, study.store.corpus.transcript_ids())
    known = {turn.participant or talk.name for talk in talks for turn in talk.turns if turn.role is Role.PARTICIPANT}
    strange = [who for who in described if who not in known]
    if known and strange:
        more = f" and {len(strange) - most} more" if len(strange) > most else ""
        yield f"in no transcript so far: {', '.join(strange[:most])}{more}; see whether an id is mistyped"


def _attributes(path: Path, key: str) -> tuple[list[tuple[int, dict[str, str]]], tuple[str, ...]]:
    """Rows with their numbers, and what was assumed in reading them."""
    if path.suffix.lower() not in {".csv", ".tsv"}:
        return list(enumerate(tables.read_rows(path, key), 2)), ()
    sheet = read_sheet(path)
    (_, headings), *body = sheet.rows.items()
    names = {column: name.strip() for column, name in headings.items()}
    if key not in names.values():
        raise TableError(
            f"{path}: has no column {key} (it has {', '.join(names.values())}); rename it, "
            "or say which it is with --column participant=NAME"
        )
    return [(n, {name: cells.get(column, "") for column, name in names.items()}) for n, cells in body], sheet.notes


def _speakers(study: Study, path: Path) -> Imported:
    """Follow a table of speakers that a person corrected."""
    done = speaker_table.apply(study, speaker_table.read(path))
    note = "; ".join(done.changed) or "nothing changed"
    return Imported(path, Kind.SPEAKERS, len(done.changed), note, "; ".join(done.refused))


def _several(problems: Sequence[str], most: int = 20) -> str:
    more = f"; and {_rows(len(problems) - most, 'more ')}" if len(problems) > most else ""
    return "; ".join(problems[:most]) + more


def _rows(n: int, which: str = "") -> str:
    return f"{n} {which}row{'' if n == 1 else 's'}"
