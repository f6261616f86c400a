"""Put codings to the test against people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from belonging_llm.errors import InputError
from belonging_llm.study import Study
from belonging_llm.usecases.offering import Offer
from belonging_llm.usecases.telling import write_page

if TYPE_CHECKING:
    from belonging_llm.auditing.plan import Plan
    from belonging_llm.auditing.record import Audit
    from belonging_llm.budget import Budget
    from belonging_llm.evaluation import Agreement
    from belonging_llm.llm import ChatModel


@dataclass(frozen=True)
class Evaluated:
    """An audit and the files it was written to."""

    audit: Audit
    page: Path
    json_path: Path


def evaluate(folder: Path, *, coder: str | None, split: str, who: str, quotes: bool) -> Evaluated:
    """Audit a study on one of its splits and write `reports/audit.html` and `reports/audit.json`.

    Raises:
        StudyError, LeakError: nothing to judge or to judge by, or test segments stand where the model reads them.
    """
    from belonging_llm.auditing.audit import audit
    from belonging_llm.auditing.splits import Part
    from belonging_llm.report.audit import as_json, render

    study = Study(folder)
    command = f"belonging evaluate {folder.name} --split {split}" + (f" --coder {coder}" if coder else "")
    made = audit(study, part=Part(split), wanted=coder, who=who, command=command, quotes=quotes)
    page, data = study.reports / "audit.html", study.reports / "audit.json"
    write_page(page, render(made, quotes=quotes))
    write_page(data, json.dumps(as_json(made, quotes=quotes), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return Evaluated(made, page, data)


def plan_audit(folder: Path, sheet: Path | None, **wish: Any) -> tuple[Plan, Path]:
    """Draw an audit sample and write its blind coding sheet.

    Raises:
        InputError: the wish cannot be granted, or the sheet cannot be written.
    """
    from belonging_llm.auditing.plan import Wish, plan
    from belonging_llm.auditing.plan import sheet as rows_of
    from belonging_llm.tables import write_csv

    study = Study(folder)
    # A plan without a sheet would still count as drawn.
    if sheet and (sheet.exists() or not sheet.parent.is_dir()):
        raise InputError(f"{sheet}: is there already, or its folder is not; name another file")
    try:
        made = plan(study, Wish(**wish))
    except ValueError as error:
        raise InputError(str(error)) from error
    target = sheet or study.folder / "gold" / f"audit-{made.number}.csv"
    target.parent.mkdir(exist_ok=True)
    write_csv(target, rows_of(study, made))
    return made, target


def agreement(
    codes: Path,
    *,
    coded_by: Path | None = None,
    segments: Path | None = None,
    cluster: str | None = None,
    against: str | None = None,
    single: bool = False,
    draws: int = 2000,
    bca: bool = False,
    seed: int = 0,
) -> tuple[Agreement, tuple[str, ...]]:
    """Agreement of the coders in a table, and notes on how the table was read.

    Raises:
        InputError: a table cannot be used, there is no such coder, or with `single` a segment has several codes.
    """
    from belonging_llm.auditing.coding_tables import read_judgements
    from belonging_llm.evaluation import Resampling, agree

    read = read_judgements(codes, coded_by=coded_by, segments=segments, cluster=cluster)
    how = Resampling(draws=draws, seed=seed, method="bca" if bca else "percentile")
    try:
        return agree(read.ratings, against=against, single=single, unit=read.unit, resampling=how), read.notes
    except ValueError as error:
        raise InputError(f"{codes}: {error}") from error


@dataclass(frozen=True)
class Ran:
    """A suite's result, what differs from the accepted one, and floors that are not reached."""

    found: dict[str, Any]
    changed: list[str]
    below: list[str]


def run_suite(
    suite: Path,
    data: Path | None,
    *,
    accept: bool,
    llm: str,
    embedder: str,
    agree: Callable[[Offer], None],
    replies: Path | None = None,
    **means: Any,
) -> Ran:
    """Run an evaluation suite and compare it with the accepted result beside it.

    Args:
        agree: Asked before the first call of a model elsewhere; raises where nobody agrees.
        replies: Where the model's replies are kept; beside the suite when None and the model is elsewhere.
        means: Further fields of `suites.Means`.

    Raises:
        InputError: the suite or its data cannot be used.
        BudgetReached: it has spent what it may.
    """
    from belonging_llm import suites

    wanted = suites.read_suite(suite)
    rows = suites.read_data(wanted, data)

    def put(model: ChatModel, budget: Budget) -> None:
        agree(Offer(model.id, model.endpoint or "", suites.most(wanted, rows), budget))

    how = suites.Means(replies=replies, beside=suite.with_suffix(".replies.sqlite"), agree=put, **means)
    found = suites.run(wanted, rows, llm=llm, embedder=embedder, means=how)
    kind = "".join(f".{spec.split(':')[0]}" for spec, usual in ((llm, "none"), (embedder, "local")) if spec != usual)
    accepted = suite.with_name(f"{suite.stem}{kind}.json")
    known = json.loads(accepted.read_text(encoding="utf-8")) if accepted.is_file() else None
    if accept:
        suites.write_result(accepted, found)
    return Ran(found, suites.differences(found, known) if known else [], suites.below(wanted, found))
