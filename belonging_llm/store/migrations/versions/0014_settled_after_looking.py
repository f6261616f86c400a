"""Decisions by people who had seen the model's word say so where agreement is counted, those made before too."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_JUDGEMENT = sa.table("judgement", *map(sa.column, ("id", "kind", "segment_id", "coder", "details")))
_JUDGED = sa.table("judged", *map(sa.column, ("segment_id", "coder", "saw_model")))


def upgrade() -> None:
    """Of each segment the last decision stands; where its record has the note, what stands of it gets it too."""
    _mark(True)


def downgrade() -> None:
    """They count as gold again; the records keep their notes."""
    _mark(False)


def _mark(saw: bool) -> None:
    connection, j = op.get_bind(), _JUDGEMENT.c
    query = sa.select(j.segment_id, j.coder, j.details).where(j.kind == "adjudication").order_by(j.id)
    last = {(segment, coder): details for segment, coder, details in connection.execute(query)}
    for (segment, coder), details in last.items():
        if json.loads(details).get("seen_model"):
            this = (_JUDGED.c.segment_id == segment) & (_JUDGED.c.coder == coder)
            connection.execute(_JUDGED.update().where(this).values(saw_model=saw))
