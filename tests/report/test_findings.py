"""The findings page: what is shown is there, what was said is inert, what is absent is never a number."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from parsed import Element, Parsed

from belonging_llm.clusters import Belongs
from belonging_llm.codebook import Code, Framework
from belonging_llm.codes import Coding
from belonging_llm.codes.coding import EvidenceSpan, Outcome, Polarity
from belonging_llm.report.findings import (
    Findings,
    Losses,
    PromptText,
    RunRecord,
    Share,
    TranscriptSummary,
    Usage,
    lists,
    render,
)
from belonging_llm.segments import Segment
from belonging_llm.themes import MappedCode, Mapping, Quote, Theme, ThemeMember

SCRIPT = "<script>alert(1)</script> somebody answered at three in the morning & I was not alone"
FORMULA = '=cmd()|"/C calc"!A0 is what I typed into the chat, and nobody laughed'
TEXTS = {
    "s1": ("P1", SCRIPT),
    "s2": ("P1", "The group is called Bed Fourteen, and there is always somebody awake in it."),
    "s3": ("P2", FORMULA),
    "s4": ("P10", "My line drops whenever it rains, so I read the slides afterwards."),
    "s5": ("P2", "I keep the lanyard on a nail by the door, as if there were a campus."),
    "s6": ("P10", "Yes."),
}


def _segment(segment_id: str, turn: int) -> Segment:
    participant, text = TEXTS[segment_id]
    return Segment(
        id=segment_id,
        transcript_id=f"t{participant}",
        document=participant,
        participant=participant,
        turn=turn,
        part=1,
        start=0,
        end=len(text),
        text=text,
    )


def _theme(ordinal: int, name: str, members: str, **more: object) -> Theme:
    ids = members.split()
    belongs = [Belongs.CORE] * (len(ids) - 1) + [Belongs.NEAR]
    held = [ThemeMember(segment_id=i, strength=0.9, belongs=b) for i, b in zip(ids, belongs, strict=True)]
    fields = {"id": f"T{ordinal}", "ordinal": ordinal, "name": name, "definition": f"About {name}.", "members": held}
    return Theme.model_validate(fields | more)


def _coding(segment_id: str, code: str, outcome: Outcome, **more: object) -> Coding:
    fields = {"segment_id": segment_id, "code": code, "coder": "model:m", "outcome": outcome}
    return Coding.model_validate(fields | more)


def _codings() -> list[Coding]:
    """6 segments by 2 codes: 3 assigned, 1 abstained, 1 failed, 7 not assigned."""
    span = EvidenceSpan(start=TEXTS["s2"][1].index("always"), end=len(TEXTS["s2"][1]) - 1)
    special = [
        _coding("s1", "community", Outcome.ASSIGNED, polarity=Polarity.EXPERIENCED, confidence=0.5),
        _coding("s2", "community", Outcome.ASSIGNED, polarity=None, confidence=0.8, evidence=(span,)),
        _coding("s3", "community", Outcome.ABSTAINED, confidence=0.51, rationale="likeness alone"),
        _coding("s4", "access", Outcome.ASSIGNED, polarity=Polarity.ABSENT, confidence=0.7),
        _coding("s5", "access", Outcome.FAILED, rationale="no usable reply: <b>not JSON</b>"),
    ]
    judged = {(c.segment_id, c.code) for c in special}
    rest = [(s, c) for s in TEXTS for c in ("community", "access") if (s, c) not in judged]
    return special + [_coding(s, c, Outcome.NOT_ASSIGNED, confidence=0.9) for s, c in rest]


def _framework() -> Framework:
    return Framework(
        id="f",
        name="A small framework",
        codes=(
            Code(id="belonging", name="Belonging", kind="construct", assignable=False),
            Code(id="community", name="Community", kind="facet", parent="belonging"),
            Code(id="access", name="Access", kind="determinant"),
        ),
    )


@pytest.fixture
def findings() -> Findings:
    answered = SCRIPT.index("somebody")
    night = _theme(
        1,
        "Somebody is awake",
        "s1 s2 s3",
        quotes=(Quote(segment_id="s1", start=answered, end=answered + 17), Quote(segment_id="s3", start=0, end=6)),
        terms=("awake", "<i>night</i>"),
        by="m",
        mapping=Mapping(codes=(MappedCode(code="community", rationale="They answer."),), by="m"),
    )
    outside = Mapping(outside=True, by="m")
    objects = _theme(2, "A campus on a nail", "s5", exemplars=("s5",), by="keywords", mapping=outside)
    return Findings(
        study="A <small> study",
        run=RunRecord(
            id="r1",
            status="complete",
            started_at="2026-03-09T09:00:00.000+00:00",
            finished_at="2026-03-09T09:30:00.000+00:00",
            settings={"seed": 7, "segments": {"max_words": 60}},
            counts={"asked": 3},
            versions={"belonging-llm": "0.1.0"},
        ),
        transcripts=[TranscriptSummary(name, 2) for name in ("P1", "P2", "P10")],
        segments=[_segment(i, turn) for turn, i in enumerate(TEXTS, 1)],
        themes=[night, objects],
        codings=_codings(),
        framework=_framework(),
        participants={"P1": {"mode": "part-time"}},
        outliers=["s4"],
        too_short=["s6"],
        prompts=[PromptText("label_theme.v1", "abc", "Say {{ what }} </pre><script>x</script>")],
        usage=Usage(calls=9, seconds=300.0, prompt_tokens=1234),
        losses=Losses(theme_quotes=2),
        language_model="m",
        encoder="e",
        synthetic=True,
    )


def test_page_is_well_formed_and_has_its_landmarks(findings: Findings) -> None:
    parsed = Parsed(render(findings))
    assert [len(parsed.all(tag)) for tag in ("h1", "main", "nav", "header", "footer")] == [1] * 5
    ids = [e.attributes["id"] for e in parsed.elements if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    links = {e.attributes["href"] for e in parsed.all("a")}
    assert links <= {f"#{name}" for name in ids}
    assert all(e.attributes.get("scope") for e in parsed.all("th"))
    named = {e.attributes.get(a) for e in parsed.elements for a in ("aria-labelledby", "aria-describedby")}
    assert named <= {*ids, None}


def test_headings_never_skip_a_level(findings: Findings) -> None:
    levels = [int(e.tag[1]) for e in Parsed(render(findings)).elements if e.tag in {"h1", "h2", "h3", "h4"}]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_what_was_said_is_inert(findings: Findings) -> None:
    html = render(findings)
    parsed = Parsed(html)
    assert not parsed.all("script")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert not [name for e in parsed.elements for name in e.attributes if name.startswith("on")]
    assert "<b>not JSON</b>" not in html
    assert "<i>night</i>" not in html
    assert parsed.words("h1") == "A <small> study"


def test_nothing_is_requested(findings: Findings) -> None:
    html = render(findings)
    for element in Parsed(html).elements:
        assert not {"src", "srcset", "action", "data", "poster", "background"} & set(element.attributes)
        assert element.attributes.get("href", "#").startswith(("#", "data:,"))
    assert "url(" not in html
    assert "@import" not in html


def test_every_quote_stands_in_its_segment(findings: Findings) -> None:
    quoted = Parsed(render(findings)).all("blockquote")
    assert [q.attributes["data-segment"] for q in quoted] == ["s1", "s3", "s5"]
    for quote in quoted:
        assert quote.text == TEXTS[quote.attributes["data-segment"]][1]
    marks = [e.text for q in quoted for e in q.within if e.tag == "mark"]
    assert marks == ["somebody answered", "=cmd()"]


def test_theme_without_located_quotes_says_how_its_example_was_chosen(findings: Findings) -> None:
    html = render(findings)
    assert html.count("chosen by centrality") == 1
    assert "Named and defined by keywords." in html
    bare = replace(findings, themes=[findings.themes[1].model_copy(update={"exemplars": ()})])
    assert "No quote is recorded for this theme" in render(bare)


def test_summary_counts_with_denominators(findings: Findings) -> None:
    # Themes hold s1 s2 s3 s5: 4 of 6 segments; two of the three participants speak in theme 1.
    summary = Parsed(render(findings)).words("p", **{"class": "lede"})
    assert "3 interviews with 3 participants were divided into 6 segments" in summary
    assert "2 themes; 4 of 6 (67%) of the segments are in at least one" in summary
    assert "Somebody is awake, in which 2 of 3 participants speak" in summary
    assert "made by a model, m, and is for people to check" in summary


def test_theme_prevalence_is_of_participants_and_of_segments(findings: Findings) -> None:
    theme = Parsed(render(findings)).words("article", id="theme-1")
    assert "2 of 3 (67%) participants speak in it, in 3 of 6 (50%) segments" in theme
    assert "P1, segments: 2 P2, segments: 1 P10, segments: 0" in theme
    assert "Community facet of Belonging" not in theme
    assert "Community facet They answer." in theme
    assert "2 core, 1 near, 0 also" in theme


def test_outside_theme_is_a_finding(findings: Findings) -> None:
    assert "Outside the framework: a finding in itself." in Parsed(render(findings)).words("article", id="theme-2")


def test_unmapped_theme_is_not_called_outside(findings: Findings) -> None:
    unmapped = findings.themes[0].model_copy(update={"mapping": Mapping()})
    html = render(replace(findings, themes=[unmapped, findings.themes[1]]))
    assert "Not mapped onto the framework." in Parsed(html).words("article", id="theme-1")
    assert "Themes that were not mapped onto the framework: 1 of 2 (50%)." in html


def test_matrix_has_a_number_for_every_pair(findings: Findings) -> None:
    matrix = Parsed(render(findings)).one("table", **{"class": "matrix"})
    counts = [c.text for c in matrix.within if c.tag == "td"]
    assert counts == ["2", "1", "0", "2 of 3", "0", "1", "0", "1 of 3", "2", "2", "2", "not a sum"]
    assert [c.text for c in matrix.within if c.tag == "th"][1:4] == ["P1", "P2", "P10"]


def test_codes_show_polarity_abstentions_and_failures(findings: Findings) -> None:
    rows = Parsed(render(findings)).all("tr", role="row")
    community, access = (r for r in rows if any(e.attributes.get("data-label") == "abstained" for e in r.within))
    # participants, segments, experienced, absent, mixed, not judged, abstained, failed
    assert _cells(community) == ["1 of 3 (33%)", "2 of 6 (33%)", "1", "0", "0", "1", "1", "0"]
    assert _cells(access) == ["1 of 3 (33%)", "1 of 6 (17%)", "0", "1", "0", "0", "0", "1"]


def _cells(row: Element) -> list[str]:
    return [" ".join(e.text.split()) for e in row.within if e.tag == "td"]


def test_determinants_enable_or_constrain(findings: Findings) -> None:
    parsed = Parsed(render(findings))
    assert "constrains · confidence 0.70" in parsed.words("article", id="code-3")
    assert "experienced · confidence 0.50" in parsed.words("article", id="code-2")
    assert "polarity not judged · confidence 0.80" in parsed.words("article", id="code-2")
    headings = [e.text for e in parsed.all("th", role="columnheader")]
    assert {"enables", "constrains", "experienced", "absent"} <= set(headings)


def test_evidence_is_marked_in_assigned_segments(findings: Findings) -> None:
    community = Parsed(render(findings)).one("article", id="code-2")
    assert [e.text for e in community.within if e.tag == "mark"] == ["always somebody awake in it"]


def test_repaired_evidence_is_said_and_counted(findings: Findings) -> None:
    span = EvidenceSpan(start=0, end=7, repaired=True)
    codings = [c.model_copy(update={"evidence": (span,)}) if c.confidence == 0.7 else c for c in findings.codings]
    losses = Losses(code_evidence=4, code_evidence_repaired=3, codes_demoted=2)
    parsed = Parsed(render(replace(findings, codings=codings, losses=losses)))
    assert "constrains · confidence 0.70 · evidence repaired" in parsed.words("article", id="code-3")
    assert "repaired" not in parsed.words("article", id="code-2")
    made = parsed.words("section", id="made")
    assert "could not be found in its segment, dropped 4 " in made
    assert "that the model gave nearly, put right from its segment 3 " in made
    assert "Codes left to people, since the model’s yes rested on evidence that could not be found 2 " in made


def test_left_out_is_counted_and_listed(findings: Findings) -> None:
    # Without any code: s3 (abstained), s5 (failed), s6; the first two are not settled.
    section = Parsed(render(findings)).words("section", id="left-out")
    assert "(outliers) 1 of 6 (17%)" in section
    assert "too short to be grouped 1 of 6 (17%)" in section
    assert "Without any code 3 of 6 (50%); 2 of these are not settled" in section
    assert TEXTS["s4"][1] in section


def test_failures_stand_at_the_top_and_in_their_section(findings: Findings) -> None:
    parsed = Parsed(render(findings))
    told = "Judgements of segment and code that failed: 1 of 12 (8%), in 1 segment."
    assert told in parsed.words("header", **{"class": "top"})
    assert told in parsed.words("section", id="failed")
    assert "no outcome for Access" in parsed.words("section", id="failed")


def test_nothing_failed_is_said_only_when_nothing_did(findings: Findings) -> None:
    sound = [c for c in findings.codings if c.outcome is not Outcome.FAILED]
    sound.append(_coding("s5", "access", Outcome.ABSTAINED))
    html = render(replace(findings, codings=sound))
    assert "Nothing: the run is complete" in html
    assert "Not everything worked" not in html
    broken = render(replace(findings, codings=sound[1:], outliers=[], run=replace(findings.run, status="incomplete")))
    assert "The run is incomplete, not complete" in broken
    assert "without a recorded outcome: 1 of 12 (8%)" in broken
    assert "neither in a theme nor among the unthemed: 1 of 6 (17%)" in broken


def test_absent_values_are_not_recorded_never_zero(findings: Findings) -> None:
    made = Parsed(render(findings)).words("section", id="made")
    assert "Tokens read 1,234 Tokens written not recorded" in made
    assert "put right from their segment not recorded Evidence for codes that could not be found" in made
    assert "Quotes for themes that could not be found in their segment, dropped 2" in made
    assert "Time in all 30 minutes" in made
    assert "Time of the language model 5 minutes" in made
    unfinished = render(replace(findings, run=replace(findings.run, finished_at=None)))
    assert "Finished not recorded" in Parsed(unfinished).words("section", id="made")


def test_prompts_settings_and_seeds_in_full(findings: Findings) -> None:
    parsed = Parsed(render(findings))
    assert parsed.one("pre").text.lstrip("\n") == findings.prompts[0].text
    made = parsed.words("section", id="made")
    assert "Seeds seed 7" in made
    assert "segments.max_words 60" in made
    assert "belonging-llm 0.1.0" in made


def test_scope_is_honest(findings: Findings) -> None:
    scope = Parsed(render(findings)).words("section", id="scope")
    assert "It is not reflexive thematic analysis" in scope
    assert "not yet been checked against human coders" in scope
    assert "not calibrated" in scope


def test_synthetic_notice_only_for_synthetic_data(findings: Findings) -> None:
    assert "These interviews are synthetic." in render(findings)
    assert "synthetic" not in render(replace(findings, synthetic=False))


def test_long_lists_are_cut_and_say_so(findings: Findings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "CAP", 2)
    html = render(findings)
    assert "The first 2 of 3 are shown. 1 more are not on this page; the study’s database holds them all." in html
    theme = Parsed(html).one("article", id="theme-1")
    listed = [e.attributes["data-segment"] for e in theme.within if e.tag == "li" and "data-segment" in e.attributes]
    assert listed == ["s1", "s2"]


def test_empty_study_is_undefined_not_zero_percent(findings: Findings) -> None:
    empty = replace(findings, segments=[], themes=[], codings=[], outliers=[], too_short=[], transcripts=[], prompts=[])
    html = render(empty)
    Parsed(html)
    assert "No themes were found" in html
    assert "0%" not in html.split("</style>")[1]
    assert "no outcome recorded" in html


def test_text_that_utf8_cannot_hold_is_replaced(findings: Findings) -> None:
    odd = findings.segments[4].model_copy(update={"text": "half \ud83d of a pair\x00"})
    html = render(replace(findings, segments=[*findings.segments[:4], odd, findings.segments[5]]))
    assert "half \ufffd of a pair\ufffd".encode() in html.encode()


@pytest.mark.parametrize(
    ("count", "total", "words"),
    [
        (8, 12, "8 of 12 (67%)"),
        (0, 0, "0 of 0 (undefined)"),
        (0, 9, "0 of 9 (0%)"),
        (1, 5000, "1 of 5,000 (under 1%)"),
        (4999, 5000, "4,999 of 5,000 (over 99%)"),
    ],
)
def test_share_in_words(count: int, total: int, words: str) -> None:
    assert str(Share(count, total)) == words
