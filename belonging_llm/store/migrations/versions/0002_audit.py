"""What an audit must remember: who saw the model's codings, splits, unsealings, samples, sentinels."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MADE = ("split", "unsealing", "audit_plan", "audit_unit", "sentinel")


def upgrade() -> None:
    """Add columns to who judged what, and the audit's own tables."""
    op.add_column("judged", sa.Column("saw_model", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("judged", sa.Column("at", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "split",
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("drawn", sa.Text(), nullable=False, comment="shares and seed, as JSON"),
        sa.PrimaryKeyConstraint("participant", name=op.f("pk_split")),
    )
    op.create_table(
        "unsealing",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False, comment="the run or coder that was judged"),
        sa.Column("pinned", sa.Text(), nullable=False, comment="digests of what must not change, as JSON"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsealing")),
    )
    op.create_table(
        "audit_plan",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="seed, sizes, strata, as JSON"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_plan")),
    )
    op.create_table(
        "audit_unit",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("inclusion", sa.Float(), nullable=False, comment="probability of being drawn"),
        sa.Column("stratum", sa.Text(), nullable=False),
        sa.Column("drawn", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["audit_plan.id"], name=op.f("fk_audit_unit_plan_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_audit_unit_segment_id")),
        sa.PrimaryKeyConstraint("plan_id", "segment_id", name=op.f("pk_audit_unit")),
    )
    op.create_table(
        "sentinel",
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_sentinel_segment_id")),
        sa.PrimaryKeyConstraint("segment_id", name=op.f("pk_sentinel")),
    )


def downgrade() -> None:
    """Remove them again."""
    for table in reversed(_MADE):
        op.drop_table(table)
    op.drop_column("judged", "at")
    op.drop_column("judged", "saw_model")
