"""A batch in a few sentences: at the head of its page, on terminals, and as an artifact of a scheduled run."""

from __future__ import annotations

from collections.abc import Iterator

from belonging_llm.report.batch.records import Told
from belonging_llm.report.findings.moments import moment
from belonging_llm.report.findings.words import counted

IMPORTED, KNOWN, REFUSED = "imported", "already known", "refused"


def sentences(told: Told) -> Iterator[str]:
    """What came in, what failed, what changed, what waits, what it cost; counts alone."""
    yield _came_in(told)
    if troubles := list(_troubles(told)):
        yield f"Not everything worked: {'; '.join(troubles)}."
    if told.new_segments and not told.recoded:
        fits = f"{told.fits:,} of {counted(told.new_segments, 'new segment')} lie in a theme there was"
        yield f"{fits}, {told.fits_nowhere:,} in none, {told.too_short:,} are too short to tell."
    if told.waiting:
        since = moment(told.waiting_since)
        yield f"Waiting for replies to {counted(told.waiting, 'question')} since {since}; coding goes on with them."
    else:
        wait = f"{counted(told.waits, 'new judgement')} {'waits' if told.waits == 1 else 'wait'} for people"
        yield f"{wait}; {told.after.abstained:,} in all."
    yield f"Model calls: {told.calls:,}; cost: {told.cost}."


def notes(told: Told) -> Iterator[str]:
    """What somebody should know of how this batch was coded."""
    if told.recoded:
        yield "Everything was coded anew and themes were found anew; what was said before stays on record."
    if told.due:
        yield f"Themes are due to be found anew ({told.due}): `belonging batch --recode` does it."
    if told.taught_since:
        yield (
            "People coded after the last analysis. This batch is coded with what was learned before that; "
            "`belonging batch --recode` learns from all of it, and codes everything anew."
        )
    if told.withdrawn:
        yield "Somebody withdrew after this batch: its sums were counted with them."


def markdown(told: Told) -> str:
    """For an artifact: counts, no names of files and nobody's words."""
    rows = [
        "| code | before | now | in this batch |",
        "|---|---|---|---|",
        *(
            f"| {one.code} | {one.before.count} of {one.before.of} | {one.after.count} of {one.after.of} "
            f"| {one.new.count} of {one.new.of} |"
            for one in told.codes
        ),
    ]
    state = "waiting for replies" if told.waiting else told.status
    head = f"## {'Everything anew' if told.recoded else f'Batch {told.ordinal}'}: {state}"
    return "\n\n".join([head, *sentences(told), *notes(told), "\n".join(rows)]) + "\n"


def _came_in(told: Told) -> str:
    files = counted(len(told.files_that(IMPORTED)), "file")
    again = f", {counted(told.tried_again, 'segment')} tried again" if told.tried_again else ""
    known = len(told.files_that(KNOWN))
    twice = f" {counted(known, 'file')} held nothing new." if known else ""
    segments, people = counted(told.new_segments, "segment"), counted(told.new_participants, "participant")
    return f"{files} came in, with {segments} and {people} who had not spoken before{again}.{twice}"


def _troubles(told: Told) -> Iterator[str]:
    if refused := len(told.files_that(REFUSED)):
        yield f"{counted(refused, 'file')} refused"
    if partly := sum(bool(one.reason) for one in told.files_that(IMPORTED)):
        yield f"{counted(partly, 'file')} came in only in part"
    if told.left:
        yield f"{counted(len(told.left), 'file')} left for the next batch"
    if told.kept_out:
        yield f"{counted(told.kept_out, 'file')} kept out since somebody withdrew or its words were replaced"
    if told.failed:
        yield f"{counted(len(told.failed), 'segment')} without an outcome; tried again with the next new material"
