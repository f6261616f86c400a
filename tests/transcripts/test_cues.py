"""Captions as programs really write them: who speaks, what is said, where it stands."""

from __future__ import annotations

import codecs
import re
from itertools import groupby, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.errors import TranscriptError
from belonging_llm.transcripts import Role, Transcript, Unit, read
from belonging_llm.transcripts.cues import find_cues
from belonging_llm.transcripts.encoding import decode

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "transcripts"

ZOOM = """WEBVTT

1
00:00:01.000 --> 00:00:04.000
Interviewer: How was it?

2
00:00:05.000 --> 00:00:07.000
Amina Example: It was good.

3
00:00:07.500 --> 00:00:09.000
Amina Example: I liked it.
"""


def captions(tmp_path: Path, content: str | bytes, name: str = "call.vtt") -> Transcript:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    found = read(path)
    assert_true(found, decode(path.read_bytes(), "x").written)
    return found


def assert_true(transcript: Transcript, written: str) -> None:
    """Copied stretches stand in the file as they stand in the text; everything said comes from somewhere."""
    assert transcript.source is not None
    for anchor in transcript.source.anchors:
        assert anchor.unit is Unit.CUE
        if anchor.copied:
            assert transcript.text[anchor.start : anchor.end] == written[anchor.first : anchor.last]
        assert anchor.detail in written
    for turn in transcript.turns:
        places = transcript.source.places(turn.start, turn.end)
        held = sum(anchor.end - anchor.start for anchor in places)
        words = transcript.said(turn)
        assert (places[0].start, places[-1].end) == (turn.start, turn.end)
        assert held + sum(b.start - a.end for a, b in pairwise(places)) == len(words)
        assert words == words.strip()


def said(transcript: Transcript) -> list[tuple[str, str]]:
    return [(turn.speaker, transcript.said(turn)) for turn in transcript.turns]


def notes(transcript: Transcript) -> str:
    assert transcript.source is not None
    return "; ".join(transcript.source.notes)


def test_cues_of_one_speaker_in_a_row_are_one_turn(tmp_path: Path) -> None:
    found = captions(tmp_path, ZOOM)
    assert found.text == "Interviewer: How was it?\n\nAmina Example: It was good. I liked it."
    assert said(found) == [("Interviewer", "How was it?"), ("Amina Example", "It was good. I liked it.")]
    assert [t.role for t in found.turns] == [Role.INTERVIEWER, Role.PARTICIPANT]
    assert notes(found) == "3 cues"


def test_a_stretch_of_talk_knows_its_cue_and_time(tmp_path: Path) -> None:
    found = captions(tmp_path, ZOOM)
    start = found.text.index("liked")
    assert found.source is not None
    (place,) = found.source.places(start, start + 5)
    assert (place.number, place.detail, ZOOM[place.first : place.last]) == (3, "00:00:07.500", "liked")


@pytest.mark.parametrize(
    "content",
    [
        ZOOM.replace("\n", "\r\n").encode(),
        codecs.BOM_UTF8 + ZOOM.replace("\n", "\r\n").encode(),
        ZOOM.encode("utf-16"),
        ZOOM.replace(".000", ",000").replace(".500", ",500").encode(),
        ZOOM.replace("00:00:0", "00:0").encode(),
        re.sub(r"^\d\n", "", ZOOM, flags=re.MULTILINE).encode(),
        ZOOM.replace("4.000\n", "4.000 align:start position:0%\n").encode(),
        ZOOM.replace("WEBVTT\n", "WEBVTT - a call\nKind: captions\n").encode(),
        ZOOM.removeprefix("WEBVTT\n\n").encode(),
        ZOOM.replace("Amina Example: It was good.", "<v Amina Example>It was good.</v>").replace("Amina Example: I", "<v.loud Amina Example>I").encode(),
    ],
    ids=["crlf", "bom", "utf-16", "commas", "no hours", "no ids", "settings", "header", "no header", "voices"],
)  # fmt: skip
def test_the_same_call_in_other_spellings(tmp_path: Path, content: bytes) -> None:
    assert said(captions(tmp_path, content)) == said(captions(tmp_path, ZOOM, "other.vtt"))


@pytest.mark.parametrize("labels", [("SPEAKER_00", "SPEAKER_01"), ("[Speaker 1]", "[Speaker 2]"), (">> SAM", ">> P07")])
def test_labels_of_machines_that_transcribe(tmp_path: Path, labels: tuple[str, str]) -> None:
    asks, answers = labels
    talk = f"1\n00:00:01,000 --> 00:00:02,000\n{asks}: Well?\n\n2\n00:00:02,000 --> 00:00:03,000\n{answers}: Yes.\n"
    found = captions(tmp_path, talk, "call.srt")
    assert [words for _, words in said(found)] == ["Well?", "Yes."]
    assert [who for who, _ in said(found)] == [label.strip("[]> ") for label in labels]


def test_several_voices_in_one_cue_are_several_turns(tmp_path: Path) -> None:
    found = captions(
        tmp_path,
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Interviewer>Well?</v> <v P07>Yes,\nand no.</v>\n<v Interviewer>Oh.\n\n"
        "00:02.000 --> 00:03.000\nP07: I mean it.\nInterviewer: Good.\n",
    )
    assert said(found) == [
        ("Interviewer", "Well?"),
        ("P07", "Yes, and no."),
        ("Interviewer", "Oh."),
        ("P07", "I mean it."),
        ("Interviewer", "Good."),
    ]


def test_notes_styles_and_regions_are_no_talk(tmp_path: Path) -> None:
    found = captions(
        tmp_path,
        "WEBVTT\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\nNOTE\nnobody says this\n\n00:01.000 --> 00:02.000\nSaid.\n\nNOTE nor this\n",
    )
    assert (found.text, notes(found)) == ("Said.", "1 cues; 4 blocks of notes and styles are no talk")


def test_markup_and_entities(tmp_path: Path) -> None:
    found = captions(
        tmp_path,
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<i>Tom</i> &amp; <c.red>I</c>&nbsp;said <00:00:01.500>1 &lt; 2, &#x1F600; &bogus; <laughs>\n",
    )
    assert found.text == "Tom & I said 1 < 2, \U0001f600 &bogus; <laughs>"


def test_rolling_captions_are_said_once(tmp_path: Path) -> None:
    lines = ["we met on", "a tuesday in", "the old library", "and stayed"]
    cues, window = ["WEBVTT\nKind: captions\nLanguage: en\n"], " "
    for n, line in enumerate(lines):
        timed = line.replace(" ", f"<00:00:0{n}.500><c> ", 1) + "</c>"
        cues.append(f"00:00:0{n}.000 --> 00:00:0{n}.900 align:start position:0%\n{window}\n{timed}\n")
        cues.append(f"00:00:0{n}.900 --> 00:00:0{n}.910 align:start position:0%\n{line}\n \n")
        window = line
    found = captions(tmp_path, "\n".join(cues))
    assert found.text == " ".join(lines)
    # Every line but the last is shown three times, the last twice.
    assert notes(found) == "8 cues; 7 repeated lines of rolling captions left out"


def test_who_says_the_same_twice_said_it_twice(tmp_path: Path) -> None:
    found = captions(
        tmp_path,
        "WEBVTT\n\n00:01.000 --> 00:02.000\nYes.\n\n00:02.000 --> 00:03.000\nYes.\n\n"
        "00:04.000 --> 00:05.000\nWe did.\n\n00:05.000 --> 00:06.000\nWe all did.\n",
    )
    assert found.text == "Yes. Yes. We did. We all did."


def test_text_after_an_empty_line_stays_with_its_cue(tmp_path: Path) -> None:
    found = captions(
        tmp_path,
        "WEBVTT\n\n00:01.000 --> 00:02.000\nOne\n\ntwo.\n\n00:02.000 --> 00:03.000\nThree.\n00:03.000 --> 00:04.000\nFour.\n",
    )
    assert found.text == "One two. Three. Four."
    assert notes(found) == "3 cues; 1 lines after an empty line stay with the cue before them"


def test_lines_without_a_name_belong_to_who_spoke_before_and_are_counted(tmp_path: Path) -> None:
    talk = ZOOM + "\n4\n00:00:10.000 --> 00:00:11.000\nVery much.\n\n5\n00:00:12.000 --> 00:00:13.000\n[laughter]\n"
    found = captions(tmp_path, talk)
    assert said(found)[1:] == [("Amina Example", "It was good. I liked it. Very much."), ("", "[laughter]")]
    assert found.turns[-1].role is Role.BOILERPLATE
    assert "1 lines without a name taken as the speaker before; 1 sounds" in notes(found)


def test_a_colon_in_talk_is_no_name(tmp_path: Path) -> None:
    found = captions(
        tmp_path,
        "WEBVTT\n\n00:01.000 --> 00:02.000\nSo the question is: why?\n\n00:02.000 --> 00:03.000\nAt 10:30 we left.\n",
    )
    assert (found.kind, found.text) == ("prose", "So the question is: why? At 10:30 we left.")
    assert [(t.participant, t.role) for t in found.turns] == [("call", Role.PARTICIPANT)]


def test_who_speaks_once_is_heard_where_all_are_named(tmp_path: Path) -> None:
    found = captions(
        tmp_path, ZOOM.replace("3\n00", "9\n00:00:07.100 --> 00:00:07.200\nKofi Sample: Me too.\n\n3\n00", 1)
    )
    assert ("Kofi Sample", "Me too.") in said(found)


SRT = "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<font color='red'>Interviewer: Well?</font>\n\n2\n00:00:02,000 --> 00:00:03,000\nP07: Yes.\n"


@pytest.mark.parametrize("name", ["call.srt", "call.txt", "call.vtt"])
def test_subrip_is_known_by_what_it_holds(tmp_path: Path, name: str) -> None:
    assert said(captions(tmp_path, SRT, name)) == [("Interviewer", "Well?"), ("P07", "Yes.")]


def test_webvtt_in_a_text_file_is_webvtt(tmp_path: Path) -> None:
    assert said(captions(tmp_path, ZOOM, "call.txt")) == said(captions(tmp_path, ZOOM))


@pytest.mark.parametrize("content", ["WEBVTT", "WEBVTT\n\nNOTE x", "WEBVTT\n\n00:01.000 --> 00:02.000\n", "words"])
def test_captions_without_words_are_refused_with_the_file_s_name(tmp_path: Path, content: str) -> None:
    with pytest.raises(TranscriptError, match=r"call\.vtt"):
        captions(tmp_path, content)


FRAGMENTS = st.sampled_from(
    ["WEBVTT", "\n", "\n\n", "\r\n", "\r", "00:01.000 --> 00:02.000\n", "0:0 -->", "-->", "1\n", "NOTE x\n", "P01: ", "Amina: ",
     "<v P01>", "</v>", "<v>", "<i>", "</", "<00:00:01.000>", "&amp;", "&nbsp;", "&#0;", "&", "{\\an8}", "{", "[x]", "é", "e\u0301",
     "\U0001f600", "\u200f\u05d0", "\u2028", "\x85", "word ", " "]
)  # fmt: skip


@given(st.lists(FRAGMENTS, max_size=40).map("".join) | st.text())
def test_any_captions_are_refused_or_true(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.vtt"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        found = read(path)
    except TranscriptError:
        return
    written = decode(path.read_bytes(), "x").written
    assert_true(found, written)
    # Nothing that stands under a time gets lost: every word character of cues without markup comes out.
    cues, _ = find_cues(written)
    if not re.search(r"[<&{:]", written) and "repeated" not in notes(found):
        words = "".join(written[a:b] for cue in cues for a, b in cue.lines)
        assert "".join(words.split()) == "".join(found.text.split())


@pytest.mark.parametrize(
    "name", ["zoom/zoomGroupStats_meeting001_transcript.vtt", "webvtt/typeagent_PythonDocumentary.vtt"]
)
def test_published_captions_are_read_whole(name: str) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    found = read(path)
    assert_true(found, decode(path.read_bytes(), "x").written)
    # Counted here by other means: whatever stands between a line of times and the next empty line.
    text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    payloads = [p.replace("&nbsp;", " ").split() for p in re.findall(r"-->.*\n((?:.+\n?)*)", text)]
    assert len(payloads) == int(notes(found).split()[0])
    named = [" ".join(p).split(": ", 1) for p in payloads if p]
    if name.startswith("zoom"):
        speakers = [who for who, _ in groupby(pair[0] for pair in named if len(pair) == 2)]
        assert len(found.turns) == len(speakers)
        words = sum(len(pair[-1].split()) for pair in named)
    else:
        words = sum(map(len, payloads))
    assert sum(len(found.said(turn).split()) for turn in found.turns) == words
