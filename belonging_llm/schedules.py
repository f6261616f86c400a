"""Run a study's batches by the clock: find or start a Prefect server, then serve them until interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from belonging_llm.batch import BatchJob
from belonging_llm.errors import Incomplete, InputError
from belonging_llm.study import Study

LOCK = ".schedule.lock"
FLOW, RENEWING = "flows.scheduled.scheduled_batch", "flows.renewing.renew"


@dataclass(frozen=True)
class When:
    """The clock's part of a schedule; see `flows.serving.Plan`.

    Attributes:
        port: Of the server that is started where none is named by PREFECT_API_URL.
        flow: What is run, as `module.name`.
        renewing: What finds themes anew, likewise.
        wait: Seconds that it waits for somebody's answer.
    """

    cron: str
    timezone: str
    port: int | None = None
    flow: str = FLOW
    renewing: str = RENEWING
    wait: int = 3600


def schedule(job: BatchJob, when: When, say: Callable[[str], None], *, yes: bool = False) -> None:
    """Serve a study's batches at their times; returns when it is interrupted.

    Args:
        say: Told what is going on.
        yes: Somebody agreed that the limits in `job` may be spent each time.

    Raises:
        InputError: a time that is none, a model elsewhere without a limit and somebody's word, or one that cannot be
            sent questions together and is to be.
        Incomplete: another schedule is served for this study.
    """
    study = Study(Path(job.folder))
    _demand_leave(study, job, yes=yes)
    _demand_post(study, job)
    with alone(study), _server(study, when, say):
        from flows.serving import Plan, next_times, serve

        named = {name: value for name, value in asdict(job).items() if name != "recall"}
        plan = Plan(when.cron, when.timezone, named, when.flow, when.renewing, when.wait)
        for time in next_times(plan, datetime.now(UTC)):
            say(f"next batch: {time.isoformat(' ', 'minutes')}")
        say("serving until interrupted (Ctrl-C); a batch that is cut off is continued by the next one")
        study.store.close()
        serve(plan)


@contextmanager
def alone(study: Study) -> Iterator[None]:
    """Serve one schedule a study on this machine.

    Raises:
        Incomplete: another is served.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(study.folder / LOCK, timeout=0):
            yield
    except Timeout as error:
        raise Incomplete(f"{study.folder}: another process serves its schedule; end that one first") from error


@contextmanager
def _server(study: Study, when: When, say: Callable[[str], None]) -> Iterator[None]:
    """A server in Prefect's environment: the one that the user named, or one of the study's own."""
    from flows.local_server import serving
    from flows.settings import use_prefect_quietly

    use_prefect_quietly(study.prefect_home)
    # Here somebody watches: what the worker does is worth a line.
    os.environ["PREFECT_LOGGING_LEVEL"] = os.environ.get("BELONGING_PREFECT_LOGGING", "WARNING")
    own = "PREFECT_API_URL" not in os.environ
    if own:
        say("starting a Prefect server for this study; it takes up to a minute")
    with serving(study.prefect_home, when.port, takes_over=True) as url:
        say(f"Prefect's server: {url.removesuffix('/api')}")
        if own:
            say(f"(for this machine alone; its pages ask for the `auth` in {study.prefect_home / 'server.json'})")
        yield


def _demand_post(study: Study, job: BatchJob) -> None:
    """See that the model takes what it is to be sent, before anybody relies on the clock."""
    if not job.batch_api:
        return
    from belonging_llm.adapters import factory

    model = factory.chat_model(job.llm, allow_remote=study.settings.allow_remote)
    if model is None or factory.post(model) is None:
        raise InputError(factory.no_post(job.llm))


def _demand_leave(study: Study, job: BatchJob, *, yes: bool) -> None:
    from belonging_llm.adapters import factory
    from belonging_llm.llm import is_loopback

    model = factory.chat_model(job.llm, allow_remote=study.settings.allow_remote)
    if model is None or not model.endpoint or is_loopback(model.endpoint):
        return
    if not yes or (job.budget is None and job.calls is None):
        raise InputError(
            f"a schedule asks {model.endpoint} when nobody is there to agree: say what each batch may spend (--budget "
            "or --calls), and --yes"
        )
