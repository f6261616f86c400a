"""The audit page: every section in its place, nothing undefined shown as a number, what was said is inert."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from audits import CODERS, NAMES, SAID, bare, realistic
from parsed import Parsed

from belonging_llm.auditing.record import Audit, Disagreement, Standing
from belonging_llm.evaluation import Estimate, Interval, undefined
from belonging_llm.report.audit import as_json, render
from belonging_llm.report.audit.figures import Lane, Panel, heatmap, interval_rows
from belonging_llm.report.audit.sections import limits, verdicts
from belonging_llm.report.audit.sections.names import name_of
from belonging_llm.report.audit.tables import alone, figure, row, table
from belonging_llm.report.audit.words import decimal, flatten, moment, percent, sentence, told

SECTIONS = (
    "verdicts provenance flow ceiling against paradox alternative errors stability confidence prevalence subgroups "
    "themes saturation limits machine"
).split()
# Inside SVG, elements without content are written with a slash.
NOTHING = re.compile(r"\b(nan|NaN|None|inf|Infinity)\b")


@cache
def page(name: str) -> str:
    return render({"realistic": realistic, "bare": bare}[name]())


@cache
def parsed(name: str) -> Parsed:
    return Parsed(page(name))


both = pytest.mark.parametrize("name", ["realistic", "bare"])


@both
def test_sections_stand_in_their_order(name: str) -> None:
    ids = [e.attributes["id"] for e in parsed(name).all("section")]
    assert ids == [*SECTIONS, "checklists", "methods"]


@both
def test_page_is_well_formed_and_links_lead_somewhere(name: str) -> None:
    found = parsed(name)
    assert [len(found.all(tag)) for tag in ("h1", "main", "nav", "header", "footer")] == [1] * 5
    ids = [e.attributes["id"] for e in found.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    links = {e.attributes["href"] for e in found.elements if e.tag in ("a", "use")}
    assert links <= {f"#{one}" for one in ids}
    named = {e.attributes.get("aria-labelledby") for e in found.elements}
    assert named <= {*ids, None}
    referred = set(re.findall(r"url\(#([^)]+)\)", page(name)))
    assert referred <= set(ids)


@both
def test_tables_say_what_they_are(name: str) -> None:
    for one in parsed(name).all("table"):
        (caption,) = [e for e in one.within if e.tag == "caption"]
        assert caption.text.strip()
        assert all(e.attributes.get("scope") for e in one.within if e.tag == "th")


def test_the_models_quotes_are_told_by_what_became_of_them() -> None:
    (quotes,) = (t for t in parsed("realistic").all("table") if "quotes. A quote is checked" in t.text)
    cells = [" ".join(row.text.split()) for row in quotes.within if row.tag == "tr"]
    assert "of those, quotes given nearly and put right from the segment 11" in cells
    assert "Quotes dropped because they stand nowhere 6" in cells
    assert "Codes left to people because such a quote was all that spoke for them 3" in cells


def test_what_was_settled_after_looking_is_told() -> None:
    told = " ".join(re.sub(r"<[^>]+>", "", page("realistic")).split())
    assert "12 judgements made after seeing the model’s codings were left out" in told
    assert "3 of them settle a segment: there what the coders said counts, as if nobody had settled it." in told
    assert "settle a segment" not in page("bare")


@both
def test_headings_leave_no_level_out(name: str) -> None:
    levels = [int(e.tag[1]) for e in parsed(name).elements if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(deeper - level <= 1 for level, deeper in pairwise(levels))


@both
def test_nothing_runs_and_nothing_is_fetched(name: str) -> None:
    found = parsed(name)
    assert not found.all("script")
    assert not [a for e in found.elements for a in e.attributes if a.startswith("on")]
    assert not re.search(r"(src|href)=\"(?!#|data:,)", page(name))
    assert "default-src 'none'" in found.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    assert "xlink" not in page(name)


@both
def test_no_missing_value_is_shown_as_a_number_or_a_word_of_python(name: str) -> None:
    shown = re.sub(r"<style>.*?</style>", "", page(name), flags=re.DOTALL)
    shown = re.sub(r'style="[^"]*"', "", shown)
    assert not NOTHING.search(shown)


def test_hostile_text_stays_text() -> None:
    html = page("bare")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202e\ud800]", html)
    html.encode()


@both
def test_every_drawing_is_told_in_words_and_has_a_table_after_it(name: str) -> None:
    found = parsed(name)
    order = [e for e in found.elements if e.tag in ("svg", "table", "section")]
    for at, one in enumerate(order):
        if one.tag == "svg":
            (title,) = [e for e in one.within if e.tag == "title"]
            assert one.attributes["role"] == "img"
            assert one.attributes["aria-labelledby"] == title.attributes["id"]
            assert len(title.text) > 30
            assert next(e.tag for e in order[at + 1 :] if e.tag != "svg") == "table"


def test_every_section_with_figures_has_its_drawing() -> None:
    drawn = {e.attributes["id"] for e in parsed("realistic").all("figure")}
    wanted = "ceiling-pairs ceiling-alpha against alternative places steadiness stability reliability risk prevalence subgroups"
    assert {f"fig-{one}" for one in [*wanted.split(), "time", "saturation"]} <= drawn


def test_a_sample_coded_again_is_shown_by_what_was_varied() -> None:
    found, given = parsed("realistic"), realistic().steadiness
    assert given is not None
    section = found.one("section", id="stability").text
    assert "112 segments of 24 participants were coded again, drawn with seed 0 from the 150" in section
    assert "150 of 1,200 (12%) segments outside the test split" in section
    assert "The test split stays sealed: 61 segments" in section
    assert "This run was tested 2 times" in section
    for kind in given.kinds:
        assert f"{kind.kind.capitalize()}: " in found.one("table", id="table-steadiness-outcomes").text
    wording = next(k for k in given.kinds if k.kind == "wording")
    one = wording.codes["emotional-connection"]
    for table_, figures in (("outcomes", one.outcomes), ("decided", one.decided)):
        text = found.one("table", id=f"table-steadiness-{table_}").text
        assert told(figures.rate, share=True) in text
        assert told(figures.alpha) in text
    varied = found.one("table", id="table-steadiness-varied").text
    assert "codes in the order e-immediacy, technology-access" in varied
    assert "not varied" in varied
    assert "9 under wording" in section
    assert "Another model is another coder" in section
    # Rates of zero carry the interval that resampling cannot give.
    assert "The interval is by the rule of three" in section


def test_without_a_sample_coded_again_the_page_says_how_to_get_one() -> None:
    assert "belonging stability" in parsed("bare").one("section", id="stability").text


def test_a_sample_coded_again_is_in_the_json() -> None:
    found = as_json(realistic())["steadiness"]
    assert [kind["kind"] for kind in found["kinds"]] == ["again", "order", "wording", "model"]
    assert found["sample"]["left_out"] == 61
    assert found["kinds"][1]["variations"][0]["order"][0] == "e-immediacy"
    assert found["kinds"][0]["codes"]["ownership"]["outcomes"]["rate"]["value"] == 0
    assert found["not_varied"].keys() == {"seed"}
    json.dumps(found, allow_nan=False)
    assert as_json(bare())["steadiness"] is None


def test_drawings_say_the_numbers_of_their_tables() -> None:
    against = realistic().against[0]
    title = parsed("realistic").one("title", id="fig-against-title").text
    assert f"Emotional connection: {told(against.difference)}" in title
    assert told(against.difference) in parsed("realistic").one("table", id="table-against").text


@both
def test_rendering_twice_gives_the_same_bytes(name: str) -> None:
    assert render({"realistic": realistic, "bare": bare}[name]()) == page(name)


@both
def test_json_comes_back_as_it_went(name: str) -> None:
    audit = {"realistic": realistic, "bare": bare}[name]()
    found = as_json(audit)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["study"] == audit.study


def test_json_on_the_page_is_the_json() -> None:
    assert json.loads(parsed("realistic").one("pre", id="audit-json").text) == as_json(realistic())


def test_json_gives_undefined_figures_their_reason() -> None:
    found = as_json(realistic())["ceiling"]["codes"]["e-immediacy"]["alpha"]
    assert found["value"] is None
    assert "every pairable value is the same" in found["reason"]
    assert set(found) == {"value", "reason", "se", "interval", "flag"}


def test_json_has_intervals_in_full() -> None:
    interval = as_json(realistic())["against"][0]["difference"]["interval"]
    assert set(interval) == {"low", "high", "level", "method", "degenerate"}


def test_json_keeps_names_and_counts_of_people_and_no_resample() -> None:
    found = as_json(realistic())["ceiling"]
    assert found["ratings"]["coders"] == list(CODERS)
    assert found["ratings"]["units"] == 336
    assert "marks" not in found["ratings"]
    assert "draws" not in found["kappas"]


def test_without_quotes_nobody_speaks() -> None:
    html, data = render(realistic(), quotes=False), json.dumps(as_json(realistic(), quotes=False))
    for text in (*SAID, "It speaks of others."):
        assert text not in Parsed(html).one("body").text
        assert text[:20] not in data
    assert "without participants’ words" in html
    assert SAID[0] in parsed("realistic").one("section", id="errors").text


def test_disagreements_are_capped_and_the_cap_is_said() -> None:
    section = parsed("realistic").one("section", id="errors")
    assert "at most 10 are shown for each code" in " ".join(section.text.split())
    lists = [e for e in section.within if e.attributes.get("class") == "differ"]
    assert lists
    assert all(len([e for e in one.within if e.tag == "li"]) <= 10 for one in lists)


def test_one_persons_word_is_not_called_agreement() -> None:
    one = replace(_disagreement(), judged_by=("Ana",), assigned_by=("Ana",), unanimous=True)
    assert "Ana assigned it." in _errors_of(one)
    assert "All agreed" not in _errors_of(one)
    assert "Ana and Ben did not assign it. All agreed." in _errors_of(
        replace(one, judged_by=("Ana", "Ben"), assigned_by=(), kind="extra")
    )


def _disagreement() -> Disagreement:
    return realistic().errors.disagreements[0]


def _errors_of(one: Disagreement) -> str:
    audit = replace(bare(), errors=replace(bare().errors, disagreements=(one,)))
    return " ".join(Parsed(render(audit)).one("section", id="errors").text.split())


@pytest.mark.parametrize(("kind", "word"), [("final", "Final"), ("provisional", "Provisional"), ("void", "Void")])
def test_standing_is_said_above_the_verdicts(kind: Any, word: str) -> None:
    html = render(replace(bare(), standing=Standing(kind, ("because it is so",))))
    section = html[html.index('<section id="verdicts"') : html.index('<section id="provenance"')]
    assert section.index(f"<strong>{word}</strong>") < section.index("<table")
    assert "Because it is so." in section
    assert ("(void)" in section) == (kind == "void")


def test_verdicts_show_what_was_not_met_first() -> None:
    criteria = verdicts.present(realistic()).rows[1].criteria
    assert [verdicts.state(c) for c in criteria] == ["not met", "unknown", "met", "met"]
    shown = " ".join(parsed("realistic").one("section", id="verdicts").text.split())
    assert "Not met: stable. Found: 81% over 3 runs." in shown


def test_synthetic_interviews_are_called_so() -> None:
    assert "No real person speaks here" in page("realistic")
    assert "No real person speaks here" not in page("bare")


def test_codings_that_were_brought_in_are_not_called_a_model_unsaid() -> None:
    assert "No run is judged here" in page("bare")
    assert "No run is judged here" not in page("realistic")


def test_what_is_missing_is_said() -> None:
    text = " ".join(parsed("bare").one("main").text.split())
    for sentence_ in (
        "Fewer than two people judged these segments",
        "There are none.",
        "Undefined: nothing was coded twice.",
        "No judgement carries a confidence.",
        "there are no themes of a run to compare",
        "The test split has not been opened.",
        "No checklist is recorded.",
    ):
        assert sentence_ in text


def test_open_checklist_items_are_visibly_open() -> None:
    section = parsed("realistic").one("section", id="checklists")
    assert "Open: for the researcher to answer" in section.text
    assert [c.left_open for c in limits.checklists(realistic())] == [1, 0]


def test_undefined_figures_are_listed_by_reason() -> None:
    gone = limits.gone(realistic())
    assert sum(len(one.where) for one in gone) == len(realistic().undefined)
    assert len(gone) < len(realistic().undefined)


def test_pooled_figures_follow_the_table_by_code() -> None:
    html = page("realistic")
    assert html.index('id="table-scores"') < html.index('id="table-pooled"')


def test_methods_and_scope_are_there() -> None:
    section = parsed("realistic").one("section", id="methods").text
    assert realistic().methods in section
    assert realistic().scope in section


def test_many_codes_make_several_drawings_with_the_same_axis() -> None:
    rows = [[Estimate(k / 40, interval=Interval(k / 40 - 0.1, k / 40 + 0.1))] for k in range(30)]
    told_ = {f"code {k}": "x" for k in range(30)}
    drawn = interval_rows("fig-x", "Many.", told_, [Panel("kappa", (Lane("one", "#0072b2"),), rows)])
    assert [d.name for d in drawn] == ["fig-x", "fig-x-2", "fig-x-3"]
    assert all(re.findall(r">(0\.\d+)<", d.svg) == re.findall(r">(0\.\d+)<", drawn[0].svg) for d in drawn)


def test_many_pairs_make_several_maps() -> None:
    values = [[Estimate(0.5)] * 12 for _ in range(20)]
    drawn = heatmap("fig-z", "Maps.", [f"code {k}" for k in range(20)], [f"A – {k}" for k in range(12)], values)
    assert len(drawn) == 6
    assert sum(d.svg.count(">0.50<") for d in drawn) == 240


def test_a_drawing_writes_undefined_and_no_mathematics() -> None:
    (drawn,) = heatmap("fig-y", "A map.", ["$x^2$ <b>"], ["A – B"], [[undefined("nobody judged it")]])
    assert "undef." in drawn.svg
    assert "$x^2$ &lt;b&gt;" in drawn.svg
    assert "DejaVu" not in drawn.svg


def test_codes_of_one_name_are_told_apart() -> None:
    audit: Audit = replace(bare(), code_names={"a": "Support", "b": "Support", "c": "Other"})
    assert [name_of(audit, code) for code in "abc"] == ["Support (a)", "Support (b)", "Other"]


def test_notes_are_numbered_by_first_mention() -> None:
    given = table("k", "c", ("a", "b"), [row("r", alone(undefined("one")), alone(undefined("two"))), row("s", alone(undefined("one")))])  # fmt: skip
    assert given.notes == ("one", "two")
    assert [given.numbered(cell) for one in given.rows for cell in one.cells] == [[1], [2], [1]]


def test_a_figure_says_what_its_interval_lacks() -> None:
    assert "No interval" in figure(Estimate(0.5)).notes[0]
    assert figure(Estimate(0.5, interval=Interval(0.1, 0.9, degenerate=0.125))).notes == (
        "Undefined in 12.5% of the resamples, which were left out.",
    )
    (note,) = figure(Estimate(0.891, interval=Interval(0.889, 0.893))).notes
    assert note.startswith("The resamples hardly vary")
    assert figure(Estimate(0.891, interval=Interval(0.889, 0.893)), as_share=True).notes == ()


def test_the_weight_of_the_count_is_no_mark_for_the_model() -> None:
    found = parsed("realistic")
    assert "A λ of 1 does not say that the model can be trusted." in found.one("section", id="prevalence").text
    assert "settled by the adjudicator (adjudicated in the tables)" in found.one("section", id="flow").text


@pytest.mark.parametrize(
    ("value", "shown"), [(0.714, "0.71"), (-0.05, "−0.05"), (-0.001, "0.00"), (0.0, "0.00"), (1234.5, "1,234.50")]
)
def test_decimals(value: float, shown: str) -> None:
    assert decimal(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.001, "under 1%"), (0.999, "over 99%"), (0.0, "0%"), (1.0, "100%"), (0.256, "26%")]
)
def test_percentages_round_to_neither_end(value: float, shown: str) -> None:
    assert percent(value) == shown


def test_words() -> None:
    assert moment("2026-05-04T11:12:00+02:00") == "4 May 2026, 09:12 UTC"
    assert moment("yesterday") == "yesterday"
    assert sentence("it is so") == "It is so."
    assert sentence("Is it?") == "Is it?"
    assert flatten({"a": {"b": None, "c": float("nan")}, "d": True, "e": {}, "f": [1, 2]}) == {
        "a.b": "not set",
        "a.c": "not a number",
        "d": "yes",
        "e": "empty",
        "f": "1, 2",
    }


def test_machine_readable_numbers_are_finite_or_null() -> None:
    from belonging_llm.report.audit.machine import plain

    assert plain({"a": np.array([1.0, np.nan]), "b": np.float64("inf"), "c": {"z", "y"}, 3: np.int64(2)}) == {
        "a": [1.0, None],
        "b": None,
        "c": ["y", "z"],
        "3": 2,
    }


def test_importing_the_page_does_not_import_matplotlib() -> None:
    said = "import sys, belonging_llm.report.audit; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", said], check=False).returncode == 0


def test_every_code_is_on_the_page_by_its_name() -> None:
    for id_ in ("verdicts", "ceiling", "against", "paradox", "alternative", "errors", "prevalence"):
        text = parsed("realistic").one("section", id=id_).text
        assert all(name in text for name in NAMES.values()), id_
