"""What projects of other programs hold beyond segments: people's own passages, notes, sources, cases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MADE = ("brought", "source", "passage", "passage_coding", "memo", "memo_place", "case_record")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "brought",
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the file"),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column(
            "content", sa.Text(), nullable=False, comment="users, codes' looks, variables, sets, account, as JSON"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_brought")),
    )
    op.create_table(
        "source",
        sa.Column("id", sa.String(length=36), nullable=False, comment="GUID"),
        sa.Column("transcript_id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="description, user, time, values, as JSON"),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], name=op.f("fk_source_transcript_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source")),
    )
    op.create_index(op.f("ix_source_transcript_id"), "source", ["transcript_id"], unique=False)
    op.create_table(
        "passage",
        sa.Column("id", sa.String(length=36), nullable=False, comment="GUID"),
        sa.Column("transcript_id", sa.String(length=16), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("coder", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], name=op.f("fk_passage_transcript_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage")),
    )
    op.create_index(op.f("ix_passage_transcript_id"), "passage", ["transcript_id"], unique=False)
    op.create_table(
        "passage_coding",
        sa.Column("id", sa.String(length=36), nullable=False, comment="GUID"),
        sa.Column("passage_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("coder", sa.Text(), nullable=False),
        sa.Column("polarity", sa.String(length=16), nullable=True),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("saw_model", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["passage_id"], ["passage.id"], name=op.f("fk_passage_coding_passage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage_coding")),
    )
    op.create_index(op.f("ix_passage_coding_passage_id"), "passage_coding", ["passage_id"], unique=False)
    op.create_table(
        "memo",
        sa.Column("id", sa.String(length=36), nullable=False, comment="GUID"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("coder", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memo")),
    )
    op.create_table(
        "memo_place",
        sa.Column("memo_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="project, code, source, passage, coding, set"),
        sa.Column("target", sa.Text(), nullable=False, comment="GUID of what it belongs to; a code's id"),
        sa.ForeignKeyConstraint(["memo_id"], ["memo.id"], name=op.f("fk_memo_place_memo_id")),
        sa.PrimaryKeyConstraint("memo_id", "kind", "target", name=op.f("pk_memo_place")),
    )
    op.create_table(
        "case_record",
        sa.Column("id", sa.String(length=36), nullable=False, comment="GUID"),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="description, sources, passages, as JSON"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_record")),
    )


def downgrade() -> None:
    """Remove them again."""
    for table in reversed(_MADE):
        op.drop_table(table)
