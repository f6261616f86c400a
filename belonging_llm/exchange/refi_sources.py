"""Read the sources of a REFI-QDA project with the stretches that people marked in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from lxml import etree

from belonging_llm.exchange.guids import tidy
from belonging_llm.exchange.project import Mark, Passage, Source
from belonging_llm.exchange.refi_ledger import Ledger, Names
from belonging_llm.exchange.refi_values import values_of
from belonging_llm.exchange.refi_words import Words
from belonging_llm.exchange.refi_xml import children, codings_in, elements, name_of, tag_of, text_of, time_of

_NUMBER = re.compile(r"[+-]?\d{1,15}")


class Sources:
    """Reads a project's sources; what has no words is left out by name."""

    def __init__(self, ledger: Ledger, words: Words, variables: Mapping[str, str]) -> None:
        """Take the names of variables by the GUIDs that the file gives them."""
        self._ledger = ledger
        self._words = words
        self._variables = variables

    def read(self, root: etree._Element) -> Iterator[Source]:
        """Every source that has words."""
        names = Names()
        for number, given in enumerate((e for s in children(root, "Sources") for e in elements(s)), 1):
            tag = tag_of(given)
            name = given.get("name", "").strip() or _stem(given) or f"source {number}"
            if (unique := names.take(name)) != name:
                self._ledger.notes.append(f"several sources are called {name}; one is kept as {unique}")
            if tag == "TextSource":
                yield from self._text_source(given, unique, number)
            elif tag in {"PDFSource", "PictureSource"}:
                yield from self._drawn_source(given, unique, number)
            elif tag in {"AudioSource", "VideoSource"}:
                yield from self._recorded_source(given, unique, number)
            else:
                self._ledger.leave(
                    f"<{tag}> {unique}", "it is no kind of source that REFI-QDA knows", codings_in(given)
                )

    def _text_source(self, given: etree._Element, name: str, number: int) -> Iterator[Source]:
        text, problem = self._words.of(given)
        if problem:
            rich = given.get("richTextPath", "")
            more = f"; its styled text ({rich.rpartition('/')[2]}) is not read: import that file itself" if rich else ""
            self._ledger.leave(f"source {name}", problem + more, codings_in(given))
            return
        yield self._source(given, name, text, number)

    def _drawn_source(self, given: etree._Element, name: str, number: int) -> Iterator[Source]:
        """A PDF or a picture: its text, where the file has it as text; regions cannot be kept."""
        what, inside = ("PDF", "Representation") if tag_of(given) == "PDFSource" else ("picture", "TextDescription")
        inner = next(children(given, inside), None)
        text, problem = ("", "the file does not have its text as text") if inner is None else self._words.of(inner)
        if inner is None or problem:
            self._ledger.leave(f"{what} {name}", problem, codings_in(given))
            return
        for region in (e for e in elements(given) if tag_of(e) in {"PDFSelection", "PictureSelection"}):
            why = f"it is a region of a {what}, and only text can be kept"
            self._ledger.leave(f"stretch {name_of(region)} of the {what} {name}", why, codings_in(region))
        self._ledger.leave(f"the {what} {name} itself", "only its text is kept")
        yield self._source(inner, name, text, number, outer=given)

    def _recorded_source(self, given: etree._Element, name: str, number: int) -> Iterator[Source]:
        """A recording: its transcripts; stretches of time cannot be kept."""
        what = "recording"
        transcripts = list(children(given, "Transcript"))
        for region in (e for e in elements(given) if tag_of(e) in {"AudioSelection", "VideoSelection"}):
            why = "it is a stretch of time, and only text can be kept"
            self._ledger.leave(f"stretch {name_of(region)} of the {what} {name}", why, codings_in(region))
        if whole := len(list(children(given, "Coding"))):
            self._ledger.leave(f"codings of the {what} {name} as a whole", "only its transcripts can be kept", whole)
        self._ledger.leave(
            f"the {what} {name} itself", "only its transcripts can be kept" if transcripts else "it is no text"
        )
        for turn, inner in enumerate(transcripts, 1):
            title = name if len(transcripts) == 1 else f"{name}, transcript {turn}"
            text, problem = self._words.of(inner)
            if problem:
                self._ledger.leave(f"transcript of {title}", problem, codings_in(inner))
                continue
            yield self._source(inner, title, text, (number, turn))

    def _source(
        self,
        given: etree._Element,
        name: str,
        text: str,
        number: object,
        outer: etree._Element | None = None,
    ) -> Source:
        holders = [given] if outer is None else [given, outer]
        passages = [p for holder in holders for p in self._whole(holder, name, number)]
        passages += list(self._stretches(given, name, number))
        values: dict[str, str] = {}
        for holder in holders:
            values |= values_of(self._ledger, holder, self._variables, f"the source {name}")
        return Source(
            guid=self._ledger.guids.take(holders[-1].get("guid"), "source", number),
            name=name,
            text=text,
            description="\n\n".join(filter(None, (text_of(holder, "Description") for holder in holders))),
            user=self._ledger.user(*(holder.get("creatingUser", "") for holder in holders)),
            at=time_of(holders[-1], "creationDateTime"),
            passages=tuple(passages),
            values=values,
            memos=tuple(dict.fromkeys(m for holder in holders for m in self._ledger.refs(holder))),
        )

    def _whole(self, given: etree._Element, name: str, number: object) -> Iterator[Passage]:
        """Codings of a source as a whole, as one passage."""
        marks = self._marks(
            given, f"the source {name}", ("whole", number, tag_of(given)), given.get("creatingUser", "")
        )
        if marks:
            yield Passage(
                guid=self._ledger.guids.make("whole", number, tag_of(given)), start=0, end=0, whole=True, marks=marks
            )

    def _stretches(self, given: etree._Element, name: str, number: object) -> Iterator[Passage]:
        syncs = {tidy(s.get("guid", "")): s.get("position", "") for s in children(given, "SyncPoint")}
        tags = {"PlainTextSelection", "TranscriptSelection"}
        for place, stretch in enumerate((e for e in elements(given) if tag_of(e) in tags), 1):
            start, end = _ends(stretch, syncs)
            if start is None or end is None:
                why = "the file does not say where it begins and ends"
                self._ledger.leave(f"stretch {name_of(stretch)} of {name}", why, codings_in(stretch))
                continue
            creator = stretch.get("creatingUser", "")
            yield Passage(
                guid=self._ledger.guids.take(stretch.get("guid"), "passage", number, place),
                start=start,
                end=end,
                name=stretch.get("name", ""),
                description=text_of(stretch, "Description"),
                user=self._ledger.user(creator),
                at=time_of(stretch, "creationDateTime"),
                marks=self._marks(stretch, f"a stretch of {name}", ("mark", number, place), creator),
                memos=self._ledger.refs(stretch),
            )

    def _marks(self, holder: etree._Element, what: str, place: tuple[object, ...], creator: str) -> tuple[Mark, ...]:
        found = []
        for number, given in enumerate(children(holder, "Coding"), 1):
            ref = next(children(given, "CodeRef"), None)
            code = self._ledger.codes.get(tidy(ref.get("targetGUID", ""))) if ref is not None else None
            if code is None:
                self._ledger.leave(f"a coding of {what}", "the code that it names is not in the codebook", 1)
                continue
            found.append(
                Mark(
                    guid=self._ledger.guids.take(given.get("guid"), *place, number),
                    code=code,
                    user=self._ledger.user(given.get("creatingUser", ""), creator),
                    at=time_of(given, "creationDateTime"),
                    memos=self._ledger.refs(given),
                )
            )
        return tuple(found)


def _ends(stretch: etree._Element, syncs: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Where a stretch begins and ends, as the file counts; None where it does not say."""
    if tag_of(stretch) == "PlainTextSelection":
        given = [stretch.get("startPosition", ""), stretch.get("endPosition", "")]
    else:
        given = [syncs.get(tidy(stretch.get(side, "")), "") for side in ("fromSyncPoint", "toSyncPoint")]
    start, end = (int(one) if _NUMBER.fullmatch(one.strip()) else None for one in given)
    return start, end


def _stem(given: etree._Element) -> str:
    path = given.get("plainTextPath", "") or given.get("path", "") or given.get("richTextPath", "")
    return PurePosixPath(path.replace("\\", "/")).stem
