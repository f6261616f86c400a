"""Made-up audits: one as it may look in earnest, and one in which nearly everything is undefined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from belonging_llm.auditing.record import (
    AgainstHumans,
    Audit,
    ChecklistItem,
    CodeFlips,
    CoderRecord,
    CodeVerdict,
    Confidence,
    Criterion,
    Disagreement,
    DriftRow,
    Errors,
    Evidence,
    Flow,
    KindFlips,
    Opening,
    Paradox,
    PartFlow,
    PromptUsed,
    Provenance,
    Repeats,
    RunShown,
    Standing,
    Steadiness,
    Themes,
    TimeShare,
    Unanimity,
)
from belonging_llm.codes import Kind, Sample, Variation
from belonging_llm.evaluation import (
    AltTest,
    Estimate,
    Ratings,
    Resampling,
    Saturation,
    Subgroups,
    agree,
    alternative_annotator_test,
    bootstrap,
    calibration,
    compare,
    consensus,
    design_based,
    flips,
    match,
    panel,
    ratings,
    risk_coverage,
    saturation,
    scores,
    stability,
    subgroups,
    undefined,
)
from belonging_llm.evaluation.alt_test import no_test
from belonging_llm.evaluation.estimate import estimate
from belonging_llm.evaluation.ratings import Marks
from belonging_llm.evaluation.scores import macro, micro
from belonging_llm.evaluation.tallies import cells_between
from belonging_llm.evaluation.two_coders import kappas

NAMES = {
    "emotional-connection": "Emotional connection",
    "ownership": "Ownership",
    "interpersonal-affiliation": "Interpersonal affiliation",
    "psychological-safety": "Psychological safety",
    "virtual-community": "Virtual community",
    "communication": "Communication",
    "emotional-support": "Emotional comfort and support",
    "contextual-flexibility": "Contextual flexibility",
    "technology-access": "Technology and access",
    "e-immediacy": "E-immediacy",
}
SHARES = [0.34, 0.12, 0.26, 0.22, 0.3, 0.28, 0.2, 0.16, 0.02, 0.0]
SHARP = [0.97, 0.93, 0.9, 0.72, 0.95, 0.86, 0.94, 0.9, 0.96, 1.0]
SAID = (
    "I keep the forum open in a tab while I cook, and mostly I only read.",
    "Nobody in the seminar knew that I had moved, and it was a relief that nobody asked.",
    "She wrote back within the hour, on a Sunday, and after that I dared to ask more.",
    "We were six at the beginning and three at the end, and we still have the group chat.",
    "When the line drops I watch the recording with my sister's telephone under the lamp.",
)
HOW = Resampling(draws=200)
CODERS = ("Ana", "Ben", "Chidi")
PEOPLE, EACH = 24, 14


@dataclass(frozen=True)
class World:
    """Made-up ratings: three people, and a model."""

    humans: Ratings
    model: Marks
    settled: Marks
    confidence: np.ndarray


@cache
def world(seed: int = 7) -> World:
    draw = np.random.default_rng(seed)
    n, codes = PEOPLE * EACH, list(NAMES)
    truth = draw.random((n, len(codes))) < SHARES
    assigned, judged, units = [], {}, [f"P{i // EACH + 1:02}-{i % EACH + 1:02}" for i in range(n)]
    for coder in CODERS:
        seen = draw.random(n) < (1.0 if coder == "Ana" else 0.92)
        judged[coder] = [u for u, s in zip(units, seen, strict=True) if s]
        said = np.where(draw.random(truth.shape) < np.minimum(np.array(SHARP) + 0.02, 1), truth, ~truth)
        said[:, -1] = False
        assigned += [(units[i], coder, codes[k]) for i, k in zip(*np.nonzero(said), strict=True) if seen[i]]
    humans = ratings(judged, assigned, codes=codes, clusters={u: u[:3] for u in units}, clustered_by="participant")
    model = np.where(draw.random(truth.shape) < SHARP, truth, ~truth).astype(np.int8)
    model[:, -2] = 0
    model[draw.random(truth.shape) < 0.03] = -1
    settled = consensus(humans)
    right = settled == model
    confidence = np.clip(np.where(right, draw.beta(8, 1.6, right.shape), draw.beta(4, 2.5, right.shape)), 0, 1).round(2)
    return World(humans, model, settled, confidence)


@cache
def realistic() -> Audit:
    """An audit with everything in it."""
    w = world()
    against = _against(w)
    alternative = {
        code: alternative_annotator_test(
            w.humans.marks[:, :, k], w.model[:, k], clusters=w.humans.clusters, coders=CODERS, epsilon=0.15
        )
        for k, code in enumerate(NAMES)
    }
    return Audit(
        study="Belonging at a distance: a made-up study",
        synthetic=True,
        made_at="2026-05-04T09:12:00+00:00",
        version="0.2.0",
        split="test",
        command="belonging audit report --split test --run 4f2a",
        standing=Standing("final", ("the test split was opened once, first on 2026-05-04 by Ana for run 4f2a",)),
        verdicts=_verdicts(w),
        code_names=NAMES,
        provenance=_provenance(),
        flow=_flow(),
        ceiling=agree(w.humans, resampling=HOW),
        ceiling_sets=agree(w.humans, resampling=HOW).set_alpha,
        against=against,
        paradox=_paradox(w),
        alternative=alternative,
        errors=_errors(w),
        repeats=_repeats(w),
        steadiness=_steadiness(w),
        drift=_drift(),
        confidence=_confidence(w),
        prevalence=_prevalence(w),
        subgroups=_subgroups(w),
        time=_time(w),
        evidence=Evidence(412, 405, 399, 11, 6, 3, (70, 52, 44, 41, 38, 40, 33, 31, 29, 27)),
        themes=_themes(w),
        saturation_people=_saturation(w.settled),
        saturation_model=_saturation(w.model),
        checklists=_checklists(),
        methods="Three people coded 336 segments on their own. The model’s codings were compared with theirs.",
        scope="This speaks of this codebook, these interviews and this version of the model, and of nothing else.",
        warnings=("Only 24 participants stand behind the intervals.",),
        undefined=tuple(agree(w.humans, resampling=HOW).undefined),
    )


def _cells(w: World) -> np.ndarray:
    return cells_between(w.settled, w.model, w.humans)


def _against(w: World) -> tuple[AgainstHumans, ...]:
    both = w.humans.joined("model", w.model)
    found = agree(both, resampling=HOW)
    rows = []
    for k, code in enumerate(NAMES):
        pairs = found.codes[code].pairs
        inner = [i for i, p in enumerate(pairs) if "model" not in p]
        outer = [i for i, p in enumerate(pairs) if "model" in p]
        draws = found.kappas.draws[:, :, k]
        parts = [draws[:, inner].mean(1), draws[:, outer].mean(1)]
        point = found.kappas.point[:, k]
        points = [point[inner].mean(), point[outer].mean()]
        parts.append(parts[1] - parts[0])
        points.append(points[1] - points[0])
        shown = [_quantiles(p, d) for p, d in zip(points, parts, strict=True)]
        each = {p.split("|")[0]: pairs[p].kappa for p in pairs if "model" in p}
        rows.append(AgainstHumans(code, *shown, each, *shown, *shown))
    return tuple(rows)


def _quantiles(point: float, draws: np.ndarray) -> Estimate:
    if not np.isfinite(point):
        return undefined("kappa is undefined for every pair")
    made = bootstrap(np.zeros((2, 1)), lambda sums: np.full(len(sums), point), HOW)
    low, high = np.nanquantile(draws, [0.025, 0.975])
    found = replace(made, low=np.array(low), high=np.array(high), degenerate=np.isnan(draws).mean())
    return found.around(Estimate(float(point)))


def _paradox(w: World) -> tuple[Paradox, ...]:
    cells = _cells(w).sum(0)
    kappa = bootstrap(_cells(w), kappas, HOW)
    rows = []
    for k, code in enumerate(NAMES):
        mine = panel(cells[k])
        constant = [cells_between(w.settled, np.full_like(w.settled, v), w.humans).sum(0)[k] for v in (0, 1)]
        shown = replace(mine, kappa=kappa.around(mine.kappa, k))
        rows.append(Paradox(code, shown, mine.scott_pi, panel(constant[0]), panel(constant[1])))
    return tuple(rows)


def _verdicts(w: World) -> tuple[CodeVerdict, ...]:
    kinds = ["replace", "assist", "assist", "human only", "replace", "assist", "replace", "assist"]
    said = {
        "replace": "On this code the model may stand in for one of several coders; keep auditing a sample.",
        "assist": "The model may suggest this code; a person decides each segment.",
        "human only": "The model's judgements on this code should not be used.",
        "insufficient evidence": "The human codings at hand cannot tell how good the model is on this code.",
    }
    rows = []
    for k, (code, name) in enumerate(NAMES.items()):
        verdict: Any = kinds[k] if k < len(kinds) else "insufficient evidence"
        positives = int((w.settled[:, k] == 1).sum())
        rows.append(CodeVerdict(code, name, verdict, said[verdict], _criteria(verdict, positives), positives))
    return tuple(rows)


def _criteria(verdict: str, positives: int) -> tuple[Criterion, ...]:
    good = verdict == "replace"
    return (
        Criterion("enough gold", positives >= 30, f"{positives} segments", "at least 30 segments"),
        Criterion("people agree", True, "3 coders, alpha 0.81 [0.76, 0.86]", "three coders, with alpha at least 0.667"),
        Criterion("model beside people", good or None, "−0.04 [−0.09, 0.01]", "model's kappa less people's above −0.1"),
        Criterion("stable", good, "94% over 3 runs" if good else "81% over 3 runs", "at least 90% the same"),
    )


def _provenance() -> Provenance:
    return Provenance(
        candidate="qwen2.5-coder-1.5b-instruct",
        run_id="4f2a9c1e",
        model="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        encoder="all-minilm-l6-v2",
        prompts=(
            PromptUsed("assign_code.v1", "sha256:91ab", "You read one segment. {{ segment }}\n</pre> Say yes or no."),
        ),
        codebook="Belonging in online distance learning, version 1",
        codebook_digest="sha256:0d4c5e" * 8,
        versions={"belonging-llm": "0.2.0", "python": "3.11.7"},
        settings={"llm": {"model": "qwen", "temperature": 0.0}, "seed": 7, "limit": None},
        coders=(
            CoderRecord("Ana", 336, 0, "2026-03-01T09:00:00+00:00", "2026-03-09T17:00:00+00:00", "coder"),
            CoderRecord("Ben", 309, 12, "2026-03-02T09:00:00+00:00", "2026-03-10T17:00:00+00:00", "coder"),
            CoderRecord("Chidi", 311, 0, "2026-03-02T09:00:00+00:00", "2026-03-11T17:00:00+00:00", "coder"),
        ),
        prompts_tried=4,
        codebooks_tried=2,
        runs=9,
        openings=(Opening("2026-05-04T09:11:00+00:00", "Ana", "run 4f2a9c1e", ()),),
        split={"dev": ("P30", "P31"), "calibration": ("P40",), "test": tuple(f"P{k:02}" for k in range(1, 25))},
        split_digest="sha256:77aa",
        demanded={"kappa_margin": 0.1, "alpha_floor": 0.667, "stability_floor": 0.9, "subgroup_margin": 0.1},
        leaks_searched="2 prompts and 10 codebook entries against 336 segments: nothing found",
    )


def _flow() -> Flow:
    return Flow(
        parts=(
            PartFlow("dev", 2, 31, 31, 20, 0),
            PartFlow("calibration", 1, 14, 14, 14, 14),
            PartFlow("test", 24, 336, 336, 334, 285),
        ),
        audited=336,
        settled_by="adjudicated",
        outcomes={"assigned": 610, "not_assigned": 2650, "abstained": 80, "failed": 20},
        anchored=12,
        strata=(
            {"stratum": "assigned, high confidence", "size": 400, "drawn": 40, "probability": 0.1},
            {"stratum": "assigned, low confidence", "size": 90, "drawn": 45, "probability": 0.5},
        ),
        anchored_decisions=3,
    )


def _errors(w: World) -> Errors:
    cells = _cells(w).sum(0)
    found = {code: scores(cells[k]) for k, code in enumerate(NAMES)}
    codes = list(NAMES)
    unanimity = tuple(
        Unanimity(code, 200 - 10 * k, 10 + k, 30 if k % 4 else 0, 8 if k % 4 else 0) for k, code in enumerate(NAMES)
    )
    return Errors(
        scores=found,
        macro_precision=macro([s.precision for s in found.values()]),
        macro_recall=macro([s.recall for s in found.values()]),
        macro_f1=macro([s.f1 for s in found.values()]),
        micro=micro(cells),
        confused=(
            ("none", codes[3], 31),
            (codes[3], "none", 24),
            (codes[2], codes[4], 11),
            (codes[0], codes[6], 9),
            (codes[5], codes[9], 2),
        ),
        unanimity=unanimity,
        disagreements=_disagreements(w),
    )


def _disagreements(w: World) -> tuple[Disagreement, ...]:
    rows, columns = np.nonzero((w.settled >= 0) & (w.model >= 0) & (w.settled != w.model))
    found = []
    for row, k in sorted(zip(rows.tolist(), columns.tolist(), strict=True), key=lambda p: (p[1], p[0])):
        text, unit = SAID[row % len(SAID)], w.humans.units[row]
        marks = w.humans.marks[:, row, k]
        extra = w.settled[row, k] == 0
        found.append(
            Disagreement(
                segment_id=unit,
                participant=unit[:3],
                text=text,
                code=list(NAMES)[k],
                kind="extra" if extra else "missing",
                assigned_by=tuple(c for c, m in zip(CODERS, marks, strict=True) if m == 1),
                judged_by=tuple(c for c, m in zip(CODERS, marks, strict=True) if m >= 0),
                unanimous=len(set(marks[marks >= 0].tolist())) == 1,
                quote=text[:24] if extra else "",
                rationale="It speaks of others." if extra else "",
                confidence=float(w.confidence[row, k]),
            )
        )
    return tuple(found)


def _repeats(w: World) -> Repeats:
    draw = np.random.default_rng(3)
    flips = [np.where((draw.random(w.model.shape) < 0.04) & (w.model >= 0), 1 - w.model, w.model) for _ in range(2)]
    runs = (
        RunShown("4f2a9c1e", "2026-05-02T10:00:00+00:00", "qwen", ()),
        RunShown("77b0", "2026-05-02T11:00:00+00:00", "qwen", ("settings: seed",)),
        RunShown("90cc", "2026-05-02T12:00:00+00:00", "qwen", ("prompts: assign_code.v1", "settings: seed")),
    )
    found = stability(np.stack([w.model, *flips]).astype(np.int8))
    return Repeats(runs, dict(zip(NAMES, found, strict=True)))


def _steadiness(w: World) -> Steadiness:
    """Every third segment coded again: never otherwise when asked anew, now and then under other seeds and words."""
    draw = np.random.default_rng(4)
    rows = np.arange(0, len(w.model), 3)
    first = np.where(w.model[rows] < 0, 2, w.model[rows])
    found = []
    for kind, rate in ((Kind.AGAIN, 0.0), (Kind.ORDER, 0.04), (Kind.WORDING, 0.13), (Kind.MODEL, 0.2)):
        names = [1] if kind in (Kind.AGAIN, Kind.MODEL) else [1, 2]
        said = [np.where(draw.random(first.shape) < rate, draw.integers(0, 3, first.shape), first) for _ in names]
        if kind is Kind.WORDING:
            said[0][:9, 0] = -1
        stacked = np.stack([first, *said]).astype(np.int8)
        decided = np.where(stacked == 2, -1, stacked).astype(np.int8)
        who = w.humans.clusters[rows]
        both = zip(
            NAMES,
            flips(stacked, who, kinds=3, resampling=HOW),
            flips(decided, who, kinds=2, resampling=HOW),
            strict=True,
        )
        shown = tuple(_variation(kind, n) for n in names)
        found.append(KindFlips(kind, shown, {c: CodeFlips(a, b) for c, a, b in both}, int((stacked < 0).sum())))
    sample = Sample(
        seed=0, wanted=120, asked=150, everything=1200, left_out=61, people=PEOPLE, inclusion=112 / 150,
        participants=(), segments=(),
    )  # fmt: skip
    why = {Kind.SEED: "the model is asked how likely each answer is, which the request’s seed does not change"}
    return Steadiness(
        "5f0e", 2, "4f2a9c1e", "2026-05-03T10:00:00+00:00", "incomplete", "qwen", "choose_code.v1", "ab" * 32, sample,
        len(rows), PEOPLE, 150 / 1200, tuple(found), why, (Kind.SEED,),
    )  # fmt: skip


def _variation(kind: Kind, n: int) -> Variation:
    differs: dict[Kind, dict[str, Any]] = {
        Kind.ORDER: {"order": tuple(reversed(NAMES)), "shuffle": n},
        Kind.AGAIN: {"repetition": n, "shuffle": n},
        Kind.MODEL: {"model": "openai:another-model"},
    }
    usual = {"spec": "local", "model": "qwen", "prompt": f"choose_code.v1.paraphrase{n}", "prompt_digest": "cd" * 32}
    return Variation.model_validate({"kind": kind, "name": f"{kind} {n}", **usual, **differs.get(kind, {})})


def _drift() -> tuple[DriftRow, ...]:
    shown = _quantiles(0.88, np.linspace(0.8, 0.94, 50))
    return tuple(
        DriftRow(run, "2026-05-02T10:00:00+00:00", "qwen", 40, shown, shown, _quantiles(0.03, np.linspace(0, 0.06, 50)))
        for run in ("4f2a9c1e", "77b0")
    )


def _confidence(w: World) -> Confidence:
    told = (w.settled >= 0) & (w.model >= 0)
    right = w.settled == w.model
    risk = risk_coverage(w.confidence[told], right[told])
    return Confidence(
        overall=calibration(w.confidence[told], right[told]),
        by_code={code: calibration(w.confidence[told[:, k], k], right[told[:, k], k]) for k, code in enumerate(NAMES)},
        risk=risk,
        workload=tuple((r, risk.coverage_at(r)) for r in (0.02, 0.05, 0.1, 0.2)),
        abstained=80 / 3360,
    )


def _prevalence(w: World) -> Mapping[str, Any]:
    draw = np.random.default_rng(5)
    drawn = draw.random(len(w.model)) < 0.4
    return {
        code: design_based(
            np.maximum(w.model[:, k], 0),
            np.where(drawn & (w.settled[:, k] >= 0), w.settled[:, k], np.nan),
            np.full(len(w.model), 0.4),
            clusters=w.humans.clusters,
        )
        for k, code in enumerate(NAMES)
    }


def _subgroups(w: World) -> Subgroups:
    people = w.humans.cluster_names
    attributes = {
        p: {"mode": "part-time" if k % 3 else "full-time", "country": "Ghana" if k < 2 else "elsewhere"}
        for k, p in enumerate(people)
    }
    return subgroups(_cells(w), w.humans.codes, people, attributes, resampling=HOW)


def _time(w: World) -> tuple[TimeShare, ...]:
    found = []
    place = np.arange(len(w.model)) % EACH * 3 // EACH
    for k, third in enumerate(("first third", "middle third", "last third")):
        rows = place == k
        some = w.humans.among(rows)
        kappa = bootstrap(cells_between(w.settled[rows], w.model[rows], some).sum(1), kappas, HOW)
        found.append(TimeShare(third, int(rows.sum()), kappa.around(estimate(float(kappa.point), "no variation"))))
    return tuple(found)


def _themes(w: World) -> Themes:
    draw = np.random.default_rng(9)
    single = [
        (u, int(np.argmax(r == 1))) for u, r in zip(w.humans.units, w.settled, strict=True) if (r == 1).sum() == 1
    ]
    theme_of = {u: f"Theme about {SAID[k % 5].split()[-1].strip('.')}" for u, k in single if draw.random() < 0.8}
    members: dict[str, set[str]] = {}
    for unit, theme in theme_of.items():
        members.setdefault(theme, set()).add(unit)
    codes = {
        c: {u for u, r in zip(w.humans.units, w.settled[:, k], strict=True) if r == 1} for k, c in enumerate(NAMES)
    }
    themed = [(u, k) for u, k in single if u in theme_of]
    return Themes(
        outliers_apart=compare([theme_of.get(u, u) for u, _ in single], [k for _, k in single]),
        outliers_left_out=compare([theme_of[u] for u, _ in themed], [k for _, k in themed]),
        single_coded=len(single),
        matching=match(members, codes, len(w.humans.units)),
    )


def _saturation(marks: Marks) -> Saturation:
    """Interviews of four segments each: whole ones would all hold every code."""
    return saturation(
        [{k for k in range(marks.shape[1]) if (marks[i : i + 2, k] == 1).any()} for i in range(0, 60, 4)], orders=100
    )


def _checklists() -> tuple[ChecklistItem, ...]:
    return (
        ChecklistItem("COREQ", "1", "Who conducted the interviews?", ""),
        ChecklistItem("COREQ", "24", "How many data coders coded the data?", "Three people, and one model."),
        ChecklistItem("GUIDE-LLM", "3", "Which model and version?", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
    )


HOSTILE = "<script>alert(1)</script>\x00\x07\x1b[31m $x^2$ \u202e & \ud800 'quoted\" ]]> --> 言葉"


@cache
def bare() -> Audit:
    """One coder, nothing to compare, a void standing, and hostile names."""
    humans = ratings({HOSTILE: ["u1", "u2"]}, [], codes=["x", HOSTILE], clusters={"u1": "p", "u2": "p"})
    none = undefined(f"one person only {HOSTILE}")
    nothing = panel([0, 0, 0, 0])
    nobody = AltTest(0.15, None, (), (), "")
    assert nobody.refused == ""
    no_group = compare([], [])
    assert no_group.ari.value is None
    empty = Saturation(0, (), (), None, np.empty((0, 3)), None, "2 interviews; a base of 4 and a run of 2 need 6")
    agreed = agree(humans, resampling=HOW)
    codes = ("x", HOSTILE)
    corrected = design_based([0, 0], [np.nan, np.nan], None)
    nil = scores([0, 0, 0, 0])
    return Audit(
        study=f"Study {HOSTILE}",
        synthetic=False,
        made_at="not a date",
        version="0.2.0",
        split="dev",
        command=f"belonging audit {HOSTILE}",
        standing=Standing("void", (f"the codebook changed {HOSTILE}",)),
        verdicts=tuple(
            CodeVerdict(c, "", "insufficient evidence", "Cannot tell.", (Criterion(HOSTILE, None, "?", "!"),), 0)
            for c in codes
        ),
        code_names={"x": ""},
        provenance=Provenance(
            candidate=HOSTILE,
            run_id=None,
            model="",
            encoder="",
            prompts=(PromptUsed("p", "", HOSTILE),),
            codebook="",
            codebook_digest="",
            versions={},
            settings={"a": {"b": None, "c": float("nan"), "d": [], "e": {}}, HOSTILE: True},
            coders=(),
            prompts_tried=0,
            codebooks_tried=0,
            runs=0,
            openings=(),
            split={},
            split_digest="",
            demanded={},
            leaks_searched="",
        ),
        flow=Flow((), 2, "majority", {}, 0, ()),
        ceiling=agreed,
        ceiling_sets=agreed.set_alpha,
        against=tuple(
            AgainstHumans(c, none, none, none, {HOSTILE: none}, none, none, none, none, none, none) for c in codes
        ),
        paradox=tuple(Paradox(c, nothing, none, nothing, nothing) for c in codes),
        alternative={c: no_test("one person only", 0.15) for c in codes},
        errors=Errors(dict.fromkeys(codes, nil), none, none, none, nil, (), (Unanimity("x", 0, 0, 0, 0),), ()),
        repeats=Repeats((), {}, ""),
        steadiness=None,
        drift=(),
        confidence=Confidence(calibration([], []), {"x": calibration([], [])}, risk_coverage([], []), (), None),
        prevalence=dict.fromkeys(codes, corrected),
        subgroups=Subgroups((), (f"mode: {HOSTILE}",), 3),
        time=(TimeShare("first third", 2, none),),
        evidence=Evidence(0, 0, 0, 0, None, None, (0,) * 10),
        themes=None,
        saturation_people=empty,
        saturation_model=empty,
        checklists=(),
        methods="",
        scope="",
        warnings=(),
        undefined=({"where": HOSTILE, "reason": HOSTILE},),
    )
