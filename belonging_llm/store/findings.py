"""Themes and codings in the database; codings are only ever added."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from belonging_llm.codes import Coding, Judgement, merged
from belonging_llm.provenance import now
from belonging_llm.store.codebooks import absorbed
from belonging_llm.store.layers import codings_as_of
from belonging_llm.store.schema import codebook, coding, judged
from belonging_llm.store.themes import Themes
from belonging_llm.store.writing import add_new, in_chunks
from belonging_llm.themes import Theme


class Findings:
    """What runs and people found."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._themes = Themes(engine)

    def add_themes(self, run_id: str, themes: Sequence[Theme]) -> None:
        """Keep a run's themes in one transaction."""
        self._themes.add(run_id, themes)

    def themes(self, run_id: str) -> list[Theme]:
        """A run's themes as people left them, largest first."""
        return list(self._themes.seen(run_id).themes)

    def add_codings(self, codings: Sequence[Coding], run_id: str = "") -> None:
        """Keep codings in one transaction; a judgement already kept stays as it is."""
        with self._engine.begin() as connection:
            add_new(connection, coding, [_row(c, run_id) for c in codings])

    def add_judged(self, judgements: Sequence[Judgement]) -> None:
        """Keep who judged what; a judgement already known stays as it is."""
        newest = sa.select(codebook.c.digest).order_by(codebook.c.ordinal.desc()).limit(1)
        with self._engine.begin() as connection:
            current = connection.execute(newest).scalar() or ""
            rows = [j.model_dump() | {"codebook": j.codebook or current} for j in judgements]
            add_new(connection, judged, rows)

    def judgements(self) -> list[Judgement]:
        """Who judged what, by segment and coder."""
        query = sa.select(judged).order_by(judged.c.segment_id, judged.c.coder)
        with self._engine.connect() as connection:
            return [Judgement.model_validate(dict(row)) for row in connection.execute(query).mappings()]

    def codings(self, run_id: str = "") -> list[Coding]:
        """Codings as of a run, or of people, by segment, code and coder.

        People's are read through the codebook in use: codes that were merged count as the one that absorbed them.
        """
        found = self._codings(run_id)
        return found if run_id else merged(found, absorbed(self._engine))

    def as_made(self) -> list[Coding]:
        """People's codings as they made them, by segment, code and coder."""
        return self._codings("")

    def _codings(self, run_id: str) -> list[Coding]:
        with self._engine.connect() as connection:
            query = sa.select(coding).where(codings_as_of(connection, run_id))
            query = query.order_by(coding.c.segment_id, coding.c.code, coding.c.coder)
            return [coding_of(row) for row in connection.execute(query).mappings()]

    def coded(self, run_id: str) -> set[str]:
        """Segments that have their codings as of a run."""
        with self._engine.connect() as connection:
            query = sa.select(coding.c.segment_id).where(codings_as_of(connection, run_id)).distinct()
            return set(connection.execute(query).scalars())

    def uncoded(self, run_id: str, segment_ids: Sequence[str]) -> set[str]:
        """Those of some segments that have no codings in a run."""
        left = set(segment_ids)
        with self._engine.connect() as connection:
            for chunk in in_chunks(list(segment_ids)):
                query = sa.select(coding.c.segment_id).where(coding.c.run_id == run_id, coding.c.segment_id.in_(chunk))
                left.difference_update(connection.execute(query).scalars())
        return left

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
