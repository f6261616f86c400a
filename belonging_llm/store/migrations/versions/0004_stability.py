"""Tests of stability: what was varied on which sample, and how it was coded then."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "stability",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False, comment="the run that is put to the test"),
        sa.Column("inputs_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False, comment="running, complete, incomplete"),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("plan", sa.Text(), nullable=False, comment="sample and variations, as JSON"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_stability_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stability")),
    )
    op.create_index(op.f("ix_stability_run_id"), "stability", ["run_id"])
    op.create_index(op.f("ix_stability_inputs_digest"), "stability", ["inputs_digest"])
    op.create_table(
        "recoding",
        sa.Column("stability_id", sa.String(length=32), nullable=False),
        sa.Column("variation", sa.Text(), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("polarity", sa.String(length=16), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["stability_id"], ["stability.id"], name=op.f("fk_recoding_stability_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_recoding_segment_id")),
        sa.PrimaryKeyConstraint("stability_id", "variation", "segment_id", "code", name=op.f("pk_recoding")),
    )


def downgrade() -> None:
    """Remove them again."""
    op.drop_table("recoding")
    op.drop_table("stability")
