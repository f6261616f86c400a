"""A test segment's words are found wherever a model could read them, and nothing else is called a leak."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from belonging_llm import codebook
from belonging_llm.auditing.leaks import Guard, Leak, in_codebook, in_prompts, in_requests, refuse
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes.examples import marked
from belonging_llm.errors import LeakError
from belonging_llm.prompts import Prompt, load, published, quoted
from belonging_llm.segments import Segment
from belonging_llm.study import Study

LONG = "Nobody in my group ever asked me why I had left the course so suddenly that winter."
OTHER = "We met every Thursday evening online, and my tutor stayed on afterwards to talk with us."
SHORT = "I never felt welcome."
TINY = "Not really."
ROOT = Path(__file__).parents[2]


def segment(ident: str, text: str) -> Segment:
    fields = {"id": ident, "transcript_id": "t", "document": "d", "participant": "p", "turn": 1, "part": 1}
    return Segment.model_validate(fields | {"text": text, "start": 0, "end": len(text)})


TEXTS = {"long": LONG, "other": OTHER, "short": SHORT, "tiny": TINY}


def guard(*names: str) -> Guard:
    return Guard([segment(name, TEXTS[name]) for name in names or TEXTS])


def found_in(text: str, *names: str) -> set[str]:
    return {leak.segment_id for leak in guard(*names).search("here", text)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LONG, {"long"}),
        ("As one said, EVER ASKED ME — why I had, left; the …", {"long"}),  # eight in a row
        ("ever asked me why I had left today", set()),  # seven in a row
        ("Example: “i NEVER felt\nwelcome”!", {"short"}),
        ("I never felt very welcome.", set()),
        ("Not really.", set()),
        (f"{LONG} {SHORT}", {"long", "short"}),
        ("", set()),
    ],
)
def test_eight_words_or_a_short_segment_whole_are_found(text: str, found: set[str]) -> None:
    assert found_in(text) == found


def test_typographic_apostrophes_hide_nothing() -> None:
    searched = Guard([segment("s", "I don’t know why they didn’t ask me about it")])
    assert [leak.segment_id for leak in searched.search("here", "i don't know why they didn't ask me")] == ["s"]


def test_segments_too_short_to_search_for_are_counted() -> None:
    assert guard().unguarded == 1


def test_a_leak_says_where_and_which_words() -> None:
    leak = next(guard().search("codebook, code home, example 2", f"He said: {SHORT}"))
    assert leak == Leak("codebook, code home, example 2", "short", "i never felt welcome", True)
    with pytest.raises(
        LeakError, match=r"code home, example 2 holds words of segment short \(“i never felt welcome”\)"
    ):
        refuse([leak])
    refuse([])


@pytest.mark.parametrize("field", ["name", "definition", "include", "exclude", "examples", "absent_examples"])
def test_every_field_of_a_codebook_is_searched(field: str) -> None:
    value = ("Harmless.", SHORT) if field.endswith("examples") else SHORT
    code = Code.model_validate({"id": "home", "name": "Home", field: value})
    leaks = in_codebook(guard(), Framework(id="mine", name="Mine", codes=(code,)))
    assert [leak.segment_id for leak in leaks] == ["short"]
    assert "codebook mine, code home, " in leaks[0].place


def test_prompt_files_are_searched_in_full() -> None:
    source = f"---\npurpose: Code.\ninputs: [segment]\nreply: json\n---\n## System\nLike: {LONG}\n\n## User\n{{{{ segment }}}}\n"
    assert [leak.place for leak in in_prompts(guard(), [Prompt("mine.v1", source)])] == ["prompt mine.v1"]


def requests(*users: Iterable[str] | str, system: str = "You code.") -> dict[str, str]:
    made = [user if isinstance(user, str) else "\n".join(user) for user in users]
    return {f"key{i}": json.dumps({"system": system, "user": user}) for i, user in enumerate(made)}


def asks(text: str) -> str:
    return f"Segment: {quoted(text)}\nCandidate codes: home"


def leaking(sent: dict[str, str], *test: str) -> list[tuple[str, str]]:
    return [(leak.place.split()[1], leak.segment_id) for leak in in_requests(guard(*test), sent, TEXTS)]


def test_the_segment_that_a_request_asks_about_is_no_leak() -> None:
    assert leaking(requests(*map(asks, TEXTS.values()))) == []


def test_another_segment_beside_it_is() -> None:
    sent = requests(*[[f"Like: {quoted(LONG)}", asks(text)] for text in (OTHER, SHORT)])
    assert leaking(sent) == [("key0", "long"), ("key1", "long")]


def test_a_planted_segment_is_found_where_the_request_is_about_no_test_segment() -> None:
    sent = requests(asks(SHORT), [f"Like: {quoted(LONG)}", asks(OTHER)], [f"Like: {quoted(LONG)}", asks(TINY)])
    assert ("key1", "long") in leaking(sent, "long")


def test_a_segment_shown_twice_in_its_own_request_was_put_there() -> None:
    assert leaking(requests([f"home: {quoted(LONG)}", asks(LONG)])) == [("key0", "long")]


def test_the_system_part_may_hold_no_test_segment() -> None:
    assert ("key0", "long") in leaking(requests(asks(OTHER), system=f"Like: {LONG}"))


def test_people_share_phrases_and_that_is_no_leak() -> None:
    shared = "at the end of the day I just think"
    texts = {"test": f"{shared} about my own small kitchen.", "development": f"Well, {shared} of the library."}
    searched = Guard([segment("test", texts["test"])])
    sent = requests(asks(texts["development"]), asks(texts["test"]))
    assert in_requests(searched, sent, texts) == []


def test_a_segment_within_another_one_is_no_leak() -> None:
    texts = {"inner": SHORT, "outer": f"{SHORT} Not once in all of those two years there."}
    searched = Guard([segment(ident, text) for ident, text in texts.items()])
    assert in_requests(searched, requests(asks(texts["outer"])), texts) == []
    assert in_requests(searched, requests(*map(asks, texts.values())), texts) == []


def test_line_ends_quotes_and_length_do_not_hide_what_is_asked_about() -> None:
    lines = (
        'She said “stay”\nand I did\tstay, "really", with them\nuntil the very last day of that long and lonely year.'
    )
    endless = " ".join(f"word{i}" for i in range(600))
    texts = {"lines": lines, "endless": endless}
    searched = Guard([segment(ident, text) for ident, text in texts.items()])
    assert in_requests(searched, requests(asks(lines), asks(endless[:1500])), texts) == []


def test_nothing_that_ships_holds_words_of_the_sample(sample: Path) -> None:
    searched = Guard(Study(sample).store.corpus.segments())
    frameworks = [codebook.load(path.stem) for path in sorted((ROOT / "data" / "frameworks").glob("*.yaml"))]
    assert len(frameworks) >= 4
    leaks = [leak for framework in frameworks for leak in in_codebook(searched, framework)]
    assert leaks + in_prompts(searched, [load(name) for name in published()]) == []


# Examples, and several segments a request


SHOWN_EXAMPLE = "I was new in town and nobody there knew how I took my tea back then."


def shows(*texts: str) -> str:
    return "Judged by people:\n" + "\n".join(f"- home applies: {quoted(marked(text))}" for text in texts)


def test_an_example_from_development_is_no_leak_and_hides_none() -> None:
    texts = TEXTS | {"example": SHOWN_EXAMPLE}
    allowed = {marked(SHOWN_EXAMPLE)}
    # The example stands in one request only, which makes it rarer than the segment that is asked about twice.
    sent = requests([shows(SHOWN_EXAMPLE), asks(LONG)], asks(LONG))
    assert in_requests(guard(), sent, texts, allowed) == []
    planted = requests(
        [shows(SHOWN_EXAMPLE), f"Like: {quoted(LONG)}", asks(OTHER)], [f"Like: {quoted(LONG)}", asks(TINY)]
    )
    found = in_requests(guard("long"), planted, texts, allowed)
    assert ("long", "request key0 as it was sent") in {(leak.segment_id, leak.place) for leak in found}


def test_an_example_from_anywhere_else_is_a_leak() -> None:
    sent = requests([shows(LONG), asks(OTHER)], [shows(LONG), asks(SHORT)])
    assert {leak.segment_id for leak in in_requests(guard(), sent, TEXTS, {marked(SHOWN_EXAMPLE)})} == {"long"}


def test_an_example_that_shares_a_phrase_is_no_leak() -> None:
    shared = f"{SHORT} That was how the first year went."
    sent = requests([shows(shared), asks(OTHER)])
    assert in_requests(guard(), sent, TEXTS, {marked(shared)}) == []
    assert in_requests(guard(), sent, TEXTS, ()) != []


def several(*texts: str, beside: str = "") -> str:
    lines = [f"Segment {n}: {quoted(text)}\nCandidate codes of segment {n}: home" for n, text in enumerate(texts, 1)]
    codes = {"type": "object", "properties": {"home": {"type": "object"}}}
    schema = {"type": "object", "properties": {str(n): codes for n in range(1, len(texts) + 1)}}
    return json.dumps({"system": "You code.", "user": "\n".join([beside, *lines]), "reply_schema": schema})


def test_all_segments_of_a_call_are_asked_about() -> None:
    assert in_requests(guard(), {"key0": several(LONG, OTHER, SHORT)}, TEXTS) == []
    assert in_requests(guard(), {"key0": several(SHORT, SHORT)}, TEXTS) == []


def test_one_more_than_a_call_asks_about_was_put_there() -> None:
    beside, texts = f"Like: {quoted(LONG)}", TEXTS | {"other one": SHOWN_EXAMPLE}
    sent = {"key0": several(OTHER, SHORT, beside=beside), "key1": several(TINY, SHOWN_EXAMPLE, beside=beside)}
    assert {leak.segment_id for leak in in_requests(guard(), sent, texts)} == {"long"}


@pytest.mark.parametrize("other", [OTHER, SHORT])
def test_a_second_copy_in_a_call_was_put_there(other: str) -> None:
    sent = {"key0": several(LONG, other, beside=f"Like: {quoted(LONG)}")}
    assert {leak.segment_id for leak in in_requests(guard("long"), sent, TEXTS)} == {"long"}
