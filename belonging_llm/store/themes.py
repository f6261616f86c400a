"""Themes of every run, where they are, what became of them, and what people changed about them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict

from belonging_llm.provenance import digest, now
from belonging_llm.store.database import alone
from belonging_llm.store.layers import layers
from belonging_llm.store.schema import (
    run,
    theme,
    theme_edit,
    theme_frame,
    theme_known,
    theme_member,
    theme_place,
    theme_step,
)
from belonging_llm.store.theme_rows import Held, basis, grouped, in_use, read_edits, read_themes
from belonging_llm.store.writing import add_new
from belonging_llm.themes import Theme, theme_id
from belonging_llm.themes.checking import check, refuse_stale
from belonging_llm.themes.edits import Change, Edit, Split
from belonging_llm.themes.lineage import Step
from belonging_llm.themes.placing import Place
from belonging_llm.themes.replay import Replayed, pinned, replay


class Origin(BaseModel):
    """How a run's themes came about.

    Attributes:
        encoder: Id of the encoder whose vectors were grouped.
        base: The run that found the members of these themes; "" where this one did.
        grouped: How many segments were grouped.
        segments: Digest of their ids.
        settings: Digest of the settings that a clustering depends on.
        method: What grouped them, in words.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: str = ""
    base: str = ""
    grouped: int = 0
    segments: str = ""
    settings: str = ""
    method: str = ""


class Themes:
    """A study's themes."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._held = Held()

    def add(
        self,
        run_id: str,
        themes: Sequence[Theme],
        *,
        origin: Origin | None = None,
        places: Sequence[Place] = (),
        steps: Sequence[Step] = (),
    ) -> None:
        """Keep a run's themes in one transaction; once kept they stay as they are.

        Args:
            themes: With their members; without them in a run with a base.
            places: Where they are; none where the base's hold.
            steps: What became of the themes of the run before.
        """
        rows = [
            {"run_id": run_id, "id": t.id, "ordinal": t.ordinal, "content": t.model_dump_json(exclude={"members"})}
            for t in themes
        ]
        members = [
            {**m._asdict(), "belongs": m.belongs.value, "run_id": run_id, "theme_id": t.id, "place": at}
            for t in themes
            for at, m in enumerate(t.members)
        ]
        with self._engine.begin() as connection:
            add_new(connection, theme_known, [{"id": t.id, "at": now()} for t in themes])
            add_new(connection, theme, rows)
            add_new(connection, theme_member, members)
            if origin is not None:
                own = {"run_id": run_id, "base": origin.base or None, "encoder": origin.encoder}
                add_new(connection, theme_frame, [own | {"content": origin.model_dump_json()}])
            add_new(connection, theme_place, [_place_row(run_id, p) for p in places])
            add_new(connection, theme_step, _step_rows(run_id, steps))

    def found(self, run_id: str) -> list[Theme]:
        """A run's themes as the machine found them, largest first."""
        with self._engine.connect() as connection:
            return read_themes(connection, run_id)

    def seen(self, run_id: str) -> Replayed:
        """A run's themes as people left them, and edits that cannot be honoured in it."""
        with self._engine.connect() as connection:
            return self._seen(connection, run_id, read_edits(connection))

    def seen_with(self, run_id: str, segments: Sequence[str]) -> tuple[Theme, ...]:
        """A run's themes as people left them, with those of these segments that batches put into them.

        Of the segments of old only those are members that people put somewhere: nothing grows with the study.
        """
        with self._engine.connect() as connection:
            edits = read_edits(connection)
            found = read_themes(connection, run_id, segments)
            return replay(found, edits, in_use(connection, pinned(edits))).themes

    def origin(self, run_id: str) -> Origin | None:
        """How they came about; None for runs of versions that did not keep that."""
        with self._engine.connect() as connection:
            own = layers(connection, run_id)[0]
            query = sa.select(theme_frame.c.content).where(theme_frame.c.run_id == own)
            content = connection.execute(query).scalar()
        return None if content is None else Origin.model_validate_json(content)

    def places(self, run_id: str) -> list[Place]:
        """Where a run's themes are, by id; those of its base where it has none of its own."""
        with self._engine.connect() as connection:
            for ident in grouped(connection, run_id):
                query = sa.select(theme_place).where(theme_place.c.run_id == ident).order_by(theme_place.c.theme_id)
                if rows := connection.execute(query).mappings().all():
                    return [_place(row) for row in rows]
        return []

    def layers(self, run_id: str) -> list[str]:
        """The runs that a run's members come from: the one that grouped segments, then batches that placed some."""
        with self._engine.connect() as connection:
            members_of = grouped(connection, run_id)[-1]
            return [members_of, *layers(connection, run_id)[1:]]

    def known(self) -> set[str]:
        """Every id that a theme ever had."""
        with self._engine.connect() as connection:
            return set(connection.execute(sa.select(theme_known.c.id)).scalars())

    def last(self, *, before: str = "") -> str:
        """The run (or batch) that ended last of those with themes, other than `before`; "" where there is none."""
        own = sa.func.coalesce(run.c.base_id, run.c.id)
        themed = own.in_(sa.select(theme.c.run_id).distinct())
        query = sa.select(run.c.id).where(run.c.status != "running", themed, run.c.id != before)
        with self._engine.connect() as connection:
            return connection.execute(query.order_by(run.c.finished_at.desc(), run.c.id).limit(1)).scalar() or ""

    def steps(self, run_id: str) -> list[Step]:
        """What became of themes in a run, in the order in which it is told."""
        query = sa.select(theme_step.c.content).where(theme_step.c.run_id == run_id).order_by(theme_step.c.place)
        with self._engine.connect() as connection:
            return [Step.model_validate_json(content) for content in connection.execute(query).scalars()]

    def lineage(self) -> list[tuple[str, Step]]:
        """The same of all runs, the first run first, each with the run's id."""
        query = sa.select(theme_step.c.run_id, theme_step.c.content).join(run, run.c.id == theme_step.c.run_id)
        query = query.order_by(run.c.started_at, run.c.id, theme_step.c.place)
        with self._engine.connect() as connection:
            return [(ident, Step.model_validate_json(content)) for ident, content in connection.execute(query)]

    def names(self, run_id: str) -> dict[str, str]:
        """What the machine called a run's themes, by id."""
        with self._engine.connect() as connection:
            query = sa.select(theme.c.id, theme.c.content).where(theme.c.run_id == grouped(connection, run_id)[0])
            return {ident: json.loads(content)["name"] for ident, content in connection.execute(query)}

    def state(self, run_id: str) -> str:
        """Names everything that what people see of a run's themes rests on: as long as it is the same, so are they."""
        told = sa.select(theme_edit.c.id, theme_edit.c.content, theme_edit.c.reason).order_by(theme_edit.c.id)
        settings = sa.select(run.c.settings).where(run.c.id == run_id)
        with self._engine.connect() as connection:
            said = [[list(row) for row in connection.execute(part)] for part in (told, settings)]
            return digest(basis(connection, run_id), *said)

    def last_edit(self) -> int:
        """Id of the newest record; 0 where there is none."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(sa.func.max(theme_edit.c.id))).scalar() or 0

    def edits(self) -> list[Edit]:
        """Every record, the first first."""
        with self._engine.connect() as connection:
            return read_edits(connection)

    def edit(
        self,
        run_id: str,
        change: Change,
        *,
        by: str,
        reason: str,
        codes: Collection[str] = (),
        seen: int | None = None,
    ) -> Edit:
        """Record what a person changes about a run's themes as they stand now.

        Args:
            codes: Ids of the codes that a theme may be mapped to.
            seen: Id of the last record that the author knew of (0: of none); None takes the themes as they stand.

        Raises:
            StaleError: somebody changed one of these themes or segments since; nothing was recorded.
            InputError: it makes no sense of the themes as they stand, or says nobody's name or no reason.
        """
        with self._engine.connect() as connection:
            self._held.themes(connection, run_id)  # now: while a change is recorded nobody else can write
        with alone(self._engine) as connection:
            before = read_edits(connection)
            if seen is not None:
                refuse_stale(change, before, seen)
            if isinstance(change, Split):
                taken = set(connection.execute(sa.select(theme_known.c.id)).scalars())
                change = change.model_copy(update={"new": theme_id(change.segments, taken)})
            there_now = self._seen(connection, run_id, before)
            there = in_use(connection, getattr(change, "segments", ()))
            check(change, there_now.themes, before, by=by, reason=reason, segments=there, codes=codes)
            if isinstance(change, Split):
                connection.execute(theme_known.insert(), {"id": change.new, "at": now()})
            row = {"content": change.model_dump_json(), "by": by.strip(), "reason": reason.strip(), "at": now()}
            ident = connection.execute(theme_edit.insert().returning(theme_edit.c.id), row).scalar_one()
            return Edit(id=ident, change=change, by=row["by"], reason=row["reason"], at=row["at"])

    def _seen(self, connection: sa.Connection, run_id: str, edits: Sequence[Edit]) -> Replayed:
        return replay(self._held.themes(connection, run_id), edits, in_use(connection, pinned(edits)))


def _step_rows(run_id: str, steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [{"run_id": run_id, "place": n, "content": step.model_dump_json()} for n, step in enumerate(steps)]


def _place_row(run_id: str, place: Place) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "theme_id": place.theme,
        "segments": json.dumps(place.segments),
        "vectors": place.vectors.astype("<f4").tobytes(),
        "centre": place.centre.astype("<f4").tobytes(),
        "named_at": place.named_at.astype("<f4").tobytes(),
        "content": json.dumps({"floor": place.floor, "typical": place.typical}),
    }


def _place(row: Mapping[Any, Any]) -> Place:
    segments = tuple(json.loads(row["segments"]))
    centre, named_at = (np.frombuffer(row[name], "<f4") for name in ("centre", "named_at"))
    vectors = np.frombuffer(row["vectors"], "<f4").reshape(len(segments), len(centre))
    content = json.loads(row["content"])
    return Place(row["theme_id"], segments, vectors, centre, named_at, content["floor"], content["typical"])
