"""The measures of the benchmark on themes over time, by hand; and that its accepted result holds."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from belonging_llm.clusters import Belongs
from belonging_llm.themes import Fate, Step, Theme, ThemeMember

EVALS = Path(__file__).parents[2] / "evals"


@pytest.fixture(scope="module")
def stable_themes() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stable_themes", EVALS / "stable_themes.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["stable_themes"] = module
    spec.loader.exec_module(module)
    return module


def theme(ident: str, *segments: str) -> Theme:
    members = tuple(ThemeMember(segment_id=s, strength=1, belongs=Belongs.CORE) for s in segments)
    return Theme(id=ident, ordinal=1, name=ident, definition="", members=members)


def test_segments_match_by_the_best_pairing_and_where_they_are_in_no_theme_in_both(stable_themes: ModuleType) -> None:
    one = {"a": "X", "b": "X", "c": "Y", "d": "", "e": "Y", "f": ""}
    other = {"a": "1", "b": "1", "c": "2", "d": "", "e": "1", "f": "2"}
    # X–1 and Y–2 pair: a, b, c; d is nowhere in both; e and f do not match.
    assert stable_themes.matching(one, other) == pytest.approx(4 / 6)


def test_what_the_lineage_does_not_tell_is_counted_and_so_are_ids_used_twice(stable_themes: ModuleType) -> None:
    before = stable_themes.State((theme("A", "a"), theme("B", "b")), (), frozenset("ab"))
    after = stable_themes.State((theme("A", "a"), theme("N", "b")), (), frozenset("ab"))
    told = (
        Step(fate=Fate.CONTINUED, before=("A",), after=("A",), reason=""),
        Step(fate=Fate.BORN, after=("N",), reason=""),
        Step(fate=Fate.RETIRED, before=("B",), reason=""),
    )
    assert stable_themes.untold(before, after, told) == 0
    assert stable_themes.untold(before, after, told[:1]) == 2
    assert stable_themes.reused([(before, after, told)]) == 0
    again = (Step(fate=Fate.BORN, after=("B",), reason=""),)
    back = stable_themes.State((theme("B", "a"),), (), frozenset("ab"))
    assert stable_themes.reused([(before, after, told), (after, back, again)]) == 1


def test_the_accepted_result_holds() -> None:
    accepted = json.loads((EVALS / "stable_themes.json").read_text("utf-8"))
    assert accepted["orders_of_arrival"] >= 20
    assert accepted["lowest_matching"] >= accepted["wanted"] == 0.95
    assert accepted["lowest_of_batches_alone"] >= accepted["wanted"]
    assert (accepted["ids_reused"], accepted["themes_untold"]) == (0, 0)
