"""Themes and codings in the database; codings are only ever added."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from belonging_llm.codes import Coding, Judgement
from belonging_llm.provenance import now
from belonging_llm.store.layers import codings_as_of, layers
from belonging_llm.store.schema import coding, judged, placement, theme, theme_member
from belonging_llm.store.writing import add_new
from belonging_llm.themes import Theme, ThemeMember


class Findings:
    """What runs and people found."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add_themes(self, run_id: str, themes: Sequence[Theme]) -> None:
        """Keep a run's themes in one transaction."""
        rows = [
            {"run_id": run_id, "id": t.id, "ordinal": t.ordinal, "content": t.model_dump_json(exclude={"members"})}
            for t in themes
        ]
        members = [
            m.model_dump(mode="json") | {"run_id": run_id, "theme_id": t.id, "place": place}
            for t in themes
            for place, m in enumerate(t.members)
        ]
        with self._engine.begin() as connection:
            add_new(connection, theme, rows)
            add_new(connection, theme_member, members)

    def themes(self, run_id: str) -> list[Theme]:
        """The themes as of a run, largest first: for a batch its base's, with all that batches put into them."""
        with self._engine.connect() as connection:
            base, *batches = layers(connection, run_id)
            rows = connection.execute(sa.select(theme).where(theme.c.run_id == base).order_by(theme.c.ordinal)).all()
            members: dict[str, list[ThemeMember]] = {}
            own = sa.select(theme_member).where(theme_member.c.run_id == base).order_by(theme_member.c.place)
            later = (sa.select(placement).where(placement.c.run_id == b).order_by(placement.c.place) for b in batches)
            for query in (own, *later):
                for m in connection.execute(query):
                    place = ThemeMember(segment_id=m.segment_id, strength=m.strength, belongs=m.belongs)
                    members.setdefault(m.theme_id, []).append(place)
        return [Theme.model_validate(json.loads(row.content) | {"members": members[row.id]}) for row in rows]

    def add_codings(self, codings: Sequence[Coding], run_id: str = "") -> None:
        """Keep codings in one transaction; a judgement already kept stays as it is."""
        with self._engine.begin() as connection:
            add_new(connection, coding, [_row(c, run_id) for c in codings])

    def add_judged(self, judgements: Sequence[Judgement]) -> None:
        """Keep who judged what; a judgement already known stays as it is."""
        with self._engine.begin() as connection:
            add_new(connection, judged, [j.model_dump() for j in judgements])

    def judgements(self) -> list[Judgement]:
        """Who judged what, by segment and coder."""
        query = sa.select(judged).order_by(judged.c.segment_id, judged.c.coder)
        with self._engine.connect() as connection:
            return [Judgement.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def codings(self, run_id: str = "") -> list[Coding]:
        """Codings as of a run, or of people, by segment, code and coder."""
        with self._engine.connect() as connection:
            query = sa.select(coding).where(codings_as_of(connection, run_id))
            query = query.order_by(coding.c.segment_id, coding.c.code, coding.c.coder)
            return [coding_of(row) for row in connection.execute(query).mappings()]

    def coded(self, run_id: str) -> set[str]:
        """Segments that have their codings as of a run."""
        with self._engine.connect() as connection:
            query = sa.select(coding.c.segment_id).where(codings_as_of(connection, run_id)).distinct()
            return set(connection.execute(query).scalars())

    def outcomes(self, run_id: str) -> Counter[str]:
        """How many segment × code pairs have which outcome as of a run."""
        with self._engine.connect() as connection:
            query = sa.select(coding.c.outcome, sa.func.count()).where(codings_as_of(connection, run_id))
            rows = connection.execute(query.group_by(coding.c.outcome)).all()
        return Counter({outcome: n for outcome, n in rows})

    def coders(self) -> dict[str, int]:
        """People who coded, with the number of segments each judged."""
        query = sa.select(judged.c.coder, sa.func.count()).group_by(judged.c.coder).order_by(judged.c.coder)
        with self._engine.connect() as connection:
            return {coder: n for coder, n in connection.execute(query)}


def _row(given: Coding, run_id: str) -> dict[str, Any]:
    fields = given.model_dump(mode="json")
    return fields | {
        "run_id": run_id,
        "evidence": json.dumps(fields["evidence"]),
        "provenance": json.dumps(fields["provenance"], sort_keys=True),
        "at": now(),
    }


def coding_of(row: Mapping[Any, Any]) -> Coding:
    """A row of the table as what it says."""
    fields = {name: row[name] for name in Coding.model_fields}
    return Coding.model_validate(
        fields | {"evidence": json.loads(row["evidence"]), "provenance": json.loads(row["provenance"])}
    )
