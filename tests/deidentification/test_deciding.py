"""One decision at a time, by several people: who decided is kept, and nobody's decision is overwritten unseen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from belonging_llm.deidentification import (
    Kind,
    Row,
    add,
    decide,
    mark,
    occurrences,
    progress,
    review,
    state,
    suggestions,
)
from belonging_llm.errors import InputError, StaleError
from belonging_llm.importing import import_paths
from belonging_llm.study import Study, create

TALK = """Interviewer: Who helped you?

P01: My name is Priya Sharma and it was Bernie who helped. Bernie rang me on 07700 900123 every week.

P01: At Northfell University they call me the duchess, and Bernie laughs.
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    made = create(tmp_path / "study")
    (made.folder / "transcripts" / "P01.txt").write_text(TALK, encoding="utf-8")
    assert not import_paths(made, [made.folder / "transcripts"])[0].problem
    review(made)
    return made


def row(study: Study, words: str) -> Row:
    return next(one for one in suggestions(study) if one.found == words)


def test_a_decision_keeps_who_and_when_and_survives_another_look(study: Study) -> None:
    bernie = row(study, "Bernie")
    decide(study, mark("Bernie"), "YES", by="Ana", seen=state(bernie))
    review(study)
    kept = row(study, "Bernie")
    assert (kept.decision, kept.by, bool(kept.at)) == ("yes", "Ana", True)
    decide(study, mark("Bernie"), "", by="Ana", seen=state(kept))
    again = row(study, "Bernie")
    assert (again.decision, again.by, again.at) == ("", "", "")


def test_what_another_person_decided_meanwhile_is_not_overwritten(study: Study) -> None:
    seen = state(row(study, "Bernie"))
    decide(study, mark("Bernie"), "no", by="Ana", seen=seen)
    with pytest.raises(StaleError, match="Ana decided “no” meanwhile"):
        decide(study, mark("Bernie"), "yes", by="Ben", seen=seen)
    assert row(study, "Bernie").decision == "no"
    assert decide(study, mark("Bernie"), "no", by="Ben", seen=seen).decision == "no", "they agree"
    with pytest.raises(StaleError, match="not in the table any more"):
        decide(study, mark("Nobody"), "yes", by="Ben", seen="")


def test_many_at_once_lose_nothing(study: Study) -> None:
    rows = suggestions(study)
    assert len(rows) > 3
    with ThreadPoolExecutor(8) as people:
        done = [people.submit(decide, study, mark(r.found), "no", by=r.found[:1], seen=state(r)) for r in rows]
    assert [one.result().decision for one in done] == ["no"] * len(rows)
    found = progress(suggestions(study))
    assert (found.rows, found.undecided, found.replaced, found.kept) == (len(rows), 0, 0, len(rows))
    assert sum(found.by.values()) == len(rows)


def test_every_place_is_shown_with_what_stands_around_it(study: Study) -> None:
    rows = suggestions(study)
    found = occurrences(study, row(study, "Bernie"), rows)
    assert [(o.words, o.turn) for o in found] == [("Bernie", 2), ("Bernie", 2), ("Bernie", 3)]
    assert found[0].before.endswith("and it was ")
    assert found[0].after.startswith(" who helped. Bernie rang me")
    assert len(occurrences(study, row(study, "Bernie"), rows, most=2)) == 2


def test_words_that_typesetting_divided_are_shown_as_well(tmp_path: Path) -> None:
    made = create(tmp_path / "study")
    talk = TALK.replace("and Bernie laughs", "and Ber-\nnie laughs, and BERNIE sings")
    (made.folder / "transcripts" / "P01.txt").write_text(talk, encoding="utf-8")
    assert not import_paths(made, [made.folder / "transcripts"])[0].problem
    rows = review(made)
    bernie = row(made, "Bernie")
    assert [o.words for o in occurrences(made, bernie, rows)] == ["Bernie", "Bernie", "Ber-\nnie", "BERNIE"]


def test_what_nothing_found_is_added_and_gets_a_pseudonym(study: Study) -> None:
    added = add(study, " the  duchess ", Kind.PERSON, by="Ana")
    kept = row(study, "the duchess")
    assert (kept.decision, kept.by, kept.occurrences, kept.how) == ("yes", "Ana", 1, "added by hand")
    assert kept.replacement.startswith("[person-")
    assert kept == added
    for words, why in (("the duchess", "already"), ("Zebedee", "stand in no transcript"), (" - ", "write the words")):
        with pytest.raises(InputError, match=why):
            add(study, words, Kind.PERSON, by="Ana")


def test_a_replacement_needs_words(study: Study) -> None:
    with pytest.raises(InputError, match="stand there instead"):
        decide(study, mark("Bernie"), "[ ]", by="Ana", seen=state(row(study, "Bernie")))
    assert decide(study, mark("Bernie"), "a friend", by="Ana", seen=state(row(study, "Bernie"))).decided == "[a friend]"
