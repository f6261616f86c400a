"""`belonging agreement` on plain tables: published examples come out as printed, and bad tables are named."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from belonging_llm.cli import main
from belonging_llm.evaluation import nominal_panel
from belonging_llm.tables import read_rows

SHARED = Path(__file__).parents[2] / "shared"
EXAMPLES = SHARED / "stats" / "worked_examples.json"
SIGHT = SHARED / "data" / "sight"
NAMES = ("segment_id", "coder", "code")

needs_examples = pytest.mark.skipif(not EXAMPLES.is_file(), reason=f"{EXAMPLES} is not here")
needs_sight = pytest.mark.skipif(not SIGHT.is_dir(), reason=f"{SIGHT} is not here")

Rows = Iterable[Sequence[Any]]


def table(path: Path, rows: Rows, names: Sequence[str] = NAMES) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(names)
        out.writerows(rows)
    return path


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, ["agreement", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def figures(*arguments: str | Path) -> dict[str, Any]:
    result = run(*arguments, "--json", "--draws", "100")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(*arguments: str | Path) -> str:
    result = run(*arguments, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Traceback" not in result.stderr
    return result.stderr


def example(ident: str) -> Any:
    return next(e for e in json.loads(EXAMPLES.read_text(encoding="utf-8"))["examples"] if e["id"] == ident)


def assert_like(found: dict[str, Any], wanted: dict[str, Any], tolerance: float) -> None:
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=tolerance), name


def crossed(cells: Sequence[Sequence[int]], names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Rows of two coders A and B from a table whose rows are A's categories."""
    pairs = [
        (a, b) for a, row in zip(names, cells, strict=True) for b, n in zip(names, row, strict=True) for _ in range(n)
    ]
    return [(f"s{i}", coder, code) for i, pair in enumerate(pairs) for coder, code in zip("AB", pair, strict=True)]


def by_rater(ratings: Sequence[Sequence[Any]]) -> list[tuple[str, str, str]]:
    """Rows from coders × units; None where a coder did not judge."""
    return [(f"s{u}", f"c{c}", f"k{v}") for c, row in enumerate(ratings) for u, v in enumerate(row) if v is not None]


@needs_examples
@pytest.mark.parametrize(
    "ident", ["two_by_two_fc1990_balanced", "two_by_two_fc1990_prevalent", "two_by_two_wiki_45_15_25_15"]
)
def test_a_binary_code_gets_every_coefficient(ident: str, tmp_path: Path) -> None:
    given = example(ident)
    a, b, c, d = (given["inputs"][k] for k in "abcd")
    rows = crossed([[a, b], [c, d]], ["yes", ""])
    found = figures(table(tmp_path / "codes.csv", rows))
    assert found["codes"]["yes"]["n_positive"] == {"A": a + b, "B": a + c}
    renamed = {"p_pos": "positive_agreement", "p_neg": "negative_agreement"}
    wanted = {renamed.get(name, name): value for name, value in given["expected"].items()}
    assert_like(found["codes"]["yes"]["pairs"]["A|B"], wanted, given["tolerance"])


@needs_examples
def test_alpha_of_a_binary_code_counts_a_row_without_a_code_as_a_judgement(tmp_path: Path) -> None:
    given = example("alpha_K2011_A_binary")
    ratings = given["inputs"]["ratings_coders_x_units"]
    rows = [(f"s{u}", f"c{c}", "yes" if v else "") for c, row in enumerate(ratings) for u, v in enumerate(row)]
    found = figures(table(tmp_path / "codes.csv", rows))
    assert found["codes"]["yes"]["alpha"] == pytest.approx(given["expected"]["alpha"], abs=given["tolerance"])


@needs_examples
def test_categories_are_compared_with_single(tmp_path: Path) -> None:
    given = example("kappa_cohen1960")
    codes = table(tmp_path / "codes.csv", crossed(given["inputs"]["table"], ["x", "y", "z"]))
    found = figures(codes, "--single")["single"]["pairs"]["A|B"]
    wanted = given["expected"]
    assert_like(found, {"kappa": wanted["kappa"], "kappa_se": wanted["ase"]}, given["tolerance"])
    assert figures(codes)["single"] is None


@needs_examples
@pytest.mark.parametrize("ident", ["alpha_K2011_B_nominal", "alpha_K2011_C_missing"])
def test_nominal_alpha_also_with_gaps(ident: str, tmp_path: Path) -> None:
    given = example(ident)
    rows = by_rater(given["inputs"]["ratings_coders_x_units"])
    found = figures(table(tmp_path / "codes.csv", rows), "--single")
    assert found["single"]["alpha"] == pytest.approx(given["expected"]["alpha"], abs=given["tolerance"])


@needs_examples
def test_several_coders_with_gaps_get_chance_corrected_figures(tmp_path: Path) -> None:
    given = example("gwet2021_p160")
    rows = by_rater(given["inputs"]["ratings_coders_x_units"])
    found = figures(table(tmp_path / "codes.csv", rows), "--single")["single"]
    wanted = {name: given["expected"][name] for name in ("ac1", "fleiss_generalised", "conger", "brennan_prediger")}
    assert_like(found, wanted | {"ac1_se": given["expected"]["se"]}, given["tolerance"])


@needs_examples
def test_fleiss_kappa_of_many_coders(tmp_path: Path) -> None:
    given = example("fleiss1971")
    units = [[k for k, n in enumerate(row) for _ in range(n)] for row in given["inputs"]["counts"]]
    rows = [(f"s{u}", f"c{c}", f"k{k}") for u, unit in enumerate(units) for c, k in enumerate(unit)]
    found = figures(table(tmp_path / "codes.csv", rows), "--single")["single"]
    assert found["fleiss_kappa"] == pytest.approx(given["expected"]["fleiss_kappa"], abs=given["tolerance"])


@needs_examples
@pytest.mark.parametrize(("upto", "which"), [(4, "units1_4"), (6, "all")])
def test_sets_of_codes(upto: int, which: str, tmp_path: Path) -> None:
    given = example("alpha_multilabel")
    units = given["inputs"]["units"][:upto]
    rows = [
        (u, who, code) for u, *sets in units for who, codes in zip("ab", sets, strict=True) for code in codes or [""]
    ]
    found = figures(table(tmp_path / "codes.csv", rows))["set_alpha"]
    assert_like(found, {m: given["expected"][f"alpha_{m}_{which}"] for m in ("masi", "jaccard")}, given["tolerance"])


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([("s1", "A", "x"), ("s1", "B", "x"), ("s2", "A", "x"), ("s2", "B", "x")], "every pairable value is the same"),
        ([("s1", "A", "x"), ("s2", "A", "")], "no pairs"),
    ],
)
def test_an_undefined_statistic_is_null_and_says_why(rows: Rows, reason: str, tmp_path: Path) -> None:
    found = figures(table(tmp_path / "codes.csv", rows))
    assert found["codes"]["x"]["alpha"] is None
    assert any(line["where"] == "x alpha" and reason in line["reason"] for line in found["undefined"])
    shown = run(tmp_path / "codes.csv").stdout
    assert "alpha undefined" in shown
    assert "undefined: x alpha: " in shown


def test_coded_by_says_who_judged_what(tmp_path: Path) -> None:
    # s2 was judged by both, B gave it nothing: with coded-by that is a disagreement, without it is no pair.
    codes = table(tmp_path / "codes.csv", [("s1", "A", "x"), ("s1", "B", "x"), ("s2", "A", "x")])
    judged = table(tmp_path / "by.csv", [("s1", "A"), ("s1", "B"), ("s2", "A"), ("s2", "B")], NAMES[:2])
    assert figures(codes)["codes"]["x"]["pairs"]["A|B"]["n"] == 1
    pair = figures(codes, "--coded-by", judged)["codes"]["x"]["pairs"]["A|B"]
    assert (pair["n"], pair["percent_agreement"]) == (2, 0.5)


def test_rows_that_coded_by_does_not_list_count_and_are_noted(tmp_path: Path) -> None:
    codes = table(tmp_path / "codes.csv", [("s1", "A", "x"), ("s1", "B", "x")])
    judged = table(tmp_path / "by.csv", [("s1", "A")], NAMES[:2])
    found = figures(codes, "--coded-by", judged)
    assert found["coders"] == ["A", "B"]
    assert found["notes"][0].startswith("1 rows of codes.csv")


def test_against_a_coder_there_are_precision_and_recall(tmp_path: Path) -> None:
    # B is the reference: has s1 and s2; A has s1 and s3. One hit, one miss, one extra.
    rows = [("s1", "A", "x"), ("s3", "A", "x"), ("s1", "B", "x"), ("s2", "B", "x"), ("s2", "A", ""), ("s3", "B", "")]
    scores = figures(table(tmp_path / "codes.csv", rows), "--against", "B")["codes"]["x"]["scores"]["B|A"]
    assert (scores["true_positive"], scores["false_positive"], scores["false_negative"]) == (1, 1, 1)
    assert (scores["precision"], scores["recall"]) == (0.5, 0.5)


def test_spans_are_compared_by_character(tmp_path: Path) -> None:
    # d1 has 10 characters. A: 0-6, B: 2-8: both 4 (2-6), A only 2, B only 2, neither 2 (8-10).
    names = ("document_id", "start", "end", "coder", "code")
    codes = table(tmp_path / "spans.csv", [("d1", 0, 6, "A", "x"), ("d1", 2, 8, "B", "x")], names)
    texts = table(tmp_path / "texts.csv", [("d1", "abcdefghij")], ("document_id", "text"))
    found = figures(codes, "--segments", texts)
    pair = found["codes"]["x"]["pairs"]["A|B"]
    assert (found["unit"], found["cluster"], pair["n"], pair["percent_agreement"]) == (
        "character",
        "document_id",
        10,
        0.6,
    )
    assert pair["kappa"] == pytest.approx((0.6 - 0.52) / 0.48)  # by chance .6 · .6 + .4 · .4
    assert pair["kappa_se"] is None


def test_spans_without_texts_end_with_the_last_span_and_say_so(tmp_path: Path) -> None:
    names = ("document_id", "start", "end", "coder", "code")
    rows = [("d1", 0, 6, "A", "x"), ("d1", 2, 8, "B", "x")]
    found = figures(table(tmp_path / "spans.csv", rows, names))
    assert found["codes"]["x"]["pairs"]["A|B"]["n"] == 8
    assert "--segments" in found["notes"][0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("d1", "2", "x", "A", "x"), ["row 3", "whole numbers"]),
        (("d1", "4", "4", "A", "x"), ["d1", "empty"]),
        (("d1", "4", "40", "A", "x"), ["d1", "outside"]),
        (("d2", "0", "4", "A", "x"), ["d2", "length"]),
    ],
)
def test_a_span_that_cannot_be_is_named(row: Sequence[str], said: list[str], tmp_path: Path) -> None:
    names = ("document_id", "start", "end", "coder", "code")
    codes = table(tmp_path / "spans.csv", [("d1", 0, 6, "A", "x"), row], names)
    texts = table(tmp_path / "texts.csv", [("d1", "abcdefghij")], ("document_id", "text"))
    message = refused(codes, "--segments", texts)
    assert [words for words in said if words not in message] == []


@pytest.mark.parametrize("option", [("--coded-by", "by.csv"), ("--cluster", "place")])
def test_options_that_spans_have_no_use_for_are_not_ignored(option: tuple[str, str], tmp_path: Path) -> None:
    names = ("document_id", "start", "end", "coder", "code")
    codes = table(tmp_path / "spans.csv", [("d1", 0, 6, "A", "x")], names)
    assert "leave --coded-by and --cluster out" in refused(codes, *option)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    message = refused(table(tmp_path / "codes.csv", [("s1", "A")], ("segment_id", "coder")))
    assert "codes.csv" in message
    assert "no column code" in message


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "nowhere.csv" in refused(tmp_path / "nowhere.csv")


@pytest.mark.parametrize("text", ["", "segment_id,coder,code\n"])
def test_a_table_without_rows_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text(text)
    assert "codes.csv" in refused(path)


@pytest.mark.parametrize(("row", "column"), [(("s2", " ", "x"), "coder"), (("", "A", "x"), "segment_id")])
def test_a_row_without_coder_or_segment_is_named_by_its_number(row: Sequence[str], column: str, tmp_path: Path) -> None:
    message = refused(table(tmp_path / "codes.csv", [("s1", "A", "x"), row]))
    assert f"row 3: {column} empty" in message


def test_a_coded_segment_that_segments_lacks_is_named(tmp_path: Path) -> None:
    codes = table(tmp_path / "codes.csv", [("s1", "A", "x"), ("s2", "A", "")])
    segments = table(tmp_path / "segments.csv", [("s1", "d1", "words")], ("segment_id", "document_id", "text"))
    message = refused(codes, "--segments", segments)
    assert "segments.csv" in message
    assert "s2" in message


def test_a_segment_without_its_cluster_is_named(tmp_path: Path) -> None:
    codes = table(tmp_path / "codes.csv", [("s1", "A", "x")])
    segments = table(tmp_path / "segments.csv", [("s1", "")], ("segment_id", "participant_id"))
    assert "segment s1 has no participant_id" in refused(codes, "--segments", segments)


def test_cluster_needs_a_table_that_has_it(tmp_path: Path) -> None:
    codes = table(tmp_path / "codes.csv", [("s1", "A", "x")])
    assert "--cluster place" in refused(codes, "--cluster", "place")
    bare = table(tmp_path / "segments.csv", [("s1", "words")], ("segment_id", "text"))
    assert "neither participant_id nor document_id" in refused(codes, "--segments", bare)


def test_participants_are_resampled_rather_than_documents(tmp_path: Path) -> None:
    codes = table(tmp_path / "codes.csv", [(f"s{i}", c, "x" if i % 2 else "") for i in range(8) for c in "AB"])
    names = ("segment_id", "document_id", "participant_id", "site")
    segments = table(tmp_path / "segments.csv", [(f"s{i}", f"d{i}", f"p{i % 4}", f"x{i % 2}") for i in range(8)], names)
    found = figures(codes, "--segments", segments)
    assert (found["cluster"], found["n_clusters"]) == ("participant_id", 4)
    found = figures(codes, "--segments", segments, "--cluster", "site")
    assert (found["cluster"], found["n_clusters"]) == ("site", 2)


def test_an_unknown_coder_to_compare_with_is_named_beside_those_there_are(tmp_path: Path) -> None:
    message = refused(table(tmp_path / "codes.csv", [("s1", "A", "x"), ("s1", "B", "x")]), "--against", "Z")
    assert "coder Z" in message
    assert "A, B" in message


def test_several_codes_on_a_segment_do_not_go_with_single(tmp_path: Path) -> None:
    rows = [("s1", "A", "x"), ("s1", "B", "x"), ("s2", "B", "x"), ("s2", "B", "y")]
    message = refused(table(tmp_path / "codes.csv", rows), "--single")
    assert "s2" in message
    assert "coder B" in message


def test_the_same_seed_gives_the_same_intervals(tmp_path: Path) -> None:
    rows = [(f"s{i}", c, "x" if (i * 7 + 3 * (c == "B")) % 5 < 2 else "") for i in range(30) for c in "AB"]
    codes = table(tmp_path / "codes.csv", rows)
    one, same, other = (figures(codes, "--seed", seed)["codes"]["x"]["alpha_ci"] for seed in ("1", "1", "2"))
    assert one == same != other


@needs_sight
def test_published_codings_get_intervals_by_document() -> None:
    found = figures(SIGHT / "codes.csv", "--coded-by", SIGHT / "coded_by.csv", "--segments", SIGHT / "segments.csv")
    assert (found["coders"], found["cluster"]) == (["H1", "H2"], "document_id")
    assert (len(found["codes"]), found["n_clusters"]) == (10, 124)
    judged = {
        who: {r["segment_id"] for r in read_rows(SIGHT / "coded_by.csv") if r["coder"] == who} for who in ("H1", "H2")
    }
    given = {(r["segment_id"], r["coder"], r["code"]) for r in read_rows(SIGHT / "codes.csv")}
    for code, figure in found["codes"].items():
        pair = figure["pairs"]["H1|H2"]
        cells = [[0, 0], [0, 0]]
        for segment in judged["H1"] & judged["H2"]:
            cells[(segment, "H1", code) not in given][(segment, "H2", code) not in given] += 1
        assert pair["n"] == sum(map(sum, cells))
        assert pair["kappa"] == pytest.approx(nominal_panel(cells).kappa.value)
        assert pair["kappa_ci"][0] <= pair["kappa"] <= pair["kappa_ci"][1]


def test_resamples_that_were_left_out_are_counted(tmp_path: Path) -> None:
    # Only P1 has the code: with P2 and P3 alone, nobody varies; a draw of three without P1 has chance (2/3)³.
    rows = [(f"s{i}", coder, "warm" if i == 1 else "") for i in range(1, 7) for coder in "AB"]
    codes = table(tmp_path / "codes.csv", rows)
    where = [(f"s{i}", f"P{(i + 1) // 2}") for i in range(1, 7)]
    segments = table(tmp_path / "segments.csv", where, ("segment_id", "participant_id"))
    made = figures(codes, "--segments", segments)["intervals"]
    lost = made["left_out"]["warm A|B kappa"]
    assert 15 <= lost <= 45
    assert made["degenerate"]["warm A|B kappa"] == lost / 100
    assert made["left_out"]["warm alpha"] == lost
    shown = run(codes, "--segments", segments, "--draws", "100").stdout
    assert f"warm A|B kappa: undefined in {lost} of 100 resamples, which were left out" in shown


def test_resamples_are_counted_also_where_too_many_are_lost_for_an_interval(tmp_path: Path) -> None:
    # One of two participants has the code on every segment and the other never: only draws of both define kappa.
    rows = [(f"s{i}", coder, "warm" if i <= 2 else "") for i in range(1, 5) for coder in "AB"]
    codes = table(tmp_path / "codes.csv", rows)
    where = [(f"s{i}", f"P{(i + 1) // 2}") for i in range(1, 5)]
    segments = table(tmp_path / "segments.csv", where, ("segment_id", "participant_id"))
    found = figures(codes, "--segments", segments)
    assert 30 <= found["intervals"]["left_out"]["warm A|B kappa"] <= 70


def test_nothing_is_said_of_resamples_where_none_was_lost(tmp_path: Path) -> None:
    rows = [(f"s{i}", coder, "warm" if i % 2 else "") for i in range(1, 9) for coder in "AB"]
    codes = table(tmp_path / "codes.csv", rows)
    where = [(f"s{i}", f"P{(i + 1) // 2}") for i in range(1, 9)]
    segments = table(tmp_path / "segments.csv", where, ("segment_id", "participant_id"))
    assert figures(codes, "--segments", segments)["intervals"]["left_out"] == {}
    assert "left out" not in run(codes, "--segments", segments, "--draws", "100").stdout
