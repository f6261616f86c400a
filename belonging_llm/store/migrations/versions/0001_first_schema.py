"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ORDER = (
    *("transcript", "participant", "segment", "cutting", "vector", "codebook", "run", "call"),
    *("egress", "theme", "theme_member", "coding", "judged"),
)
_APPEND_ONLY = ("coding", "call", "vector")


def upgrade() -> None:
    """Make every table, and let nobody rewrite what is only ever added to."""
    _tables()
    for table in _APPEND_ONLY:
        _forbid_updates(table)


def downgrade() -> None:
    """Remove everything."""
    for table in reversed(_ORDER):
        op.drop_table(table)


def _tables() -> None:
    op.create_table(
        "call",
        sa.Column("key", sa.String(length=64), nullable=False, comment="digest of what was asked"),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("prompt_digest", sa.String(length=64), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", "attempt", name=op.f("pk_call")),
    )
    op.create_index(op.f("ix_call_run_id"), "call", ["run_id"], unique=False)
    op.create_table(
        "codebook",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False, comment="the highest is the one in use"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_codebook")),
    )
    op.create_table(
        "egress",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="of the request; the text itself is not logged"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_egress")),
    )
    op.create_table(
        "participant",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("inputs_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False, comment="running, complete, incomplete"),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index(op.f("ix_run_inputs_digest"), "run", ["inputs_digest"], unique=False)
    op.create_table(
        "transcript",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="the Transcript as JSON: text, turns, header"),
        sa.Column("split_with", sa.Text(), nullable=True, comment="settings of the cut in use; null until cut"),
        sa.Column("imported_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcript")),
    )
    op.create_table(
        "vector",
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False, comment="float32, little-endian, unit length"),
        sa.PrimaryKeyConstraint("text_digest", "model", name=op.f("pk_vector")),
    )
    op.create_table(
        "segment",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("transcript_id", sa.String(length=16), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], name=op.f("fk_segment_transcript_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment")),
    )
    op.create_index(op.f("ix_segment_participant"), "segment", ["participant"], unique=False)
    op.create_index(op.f("ix_segment_transcript_id"), "segment", ["transcript_id"], unique=False)
    op.create_table(
        "theme",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="the Theme as JSON, less its members"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_theme_run_id")),
        sa.PrimaryKeyConstraint("run_id", "id", name=op.f("pk_theme")),
    )
    op.create_table(
        "coding",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False, comment="empty for people's codings"),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("coder", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("polarity", sa.String(length=16), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("provenance", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_coding_segment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coding")),
        sa.UniqueConstraint("run_id", "segment_id", "code", "coder", name="uq_coding_judgement"),
    )
    op.create_index(op.f("ix_coding_segment_id"), "coding", ["segment_id"], unique=False)
    op.create_table(
        "cutting",
        sa.Column("settings", sa.String(length=64), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_cutting_segment_id")),
        sa.PrimaryKeyConstraint("settings", "segment_id", name=op.f("pk_cutting")),
        comment="which segments a transcript was cut into under which settings; the transcript says which are in use",
    )
    op.create_table(
        "judged",
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("coder", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_judged_segment_id")),
        sa.PrimaryKeyConstraint("segment_id", "coder", name=op.f("pk_judged")),
        comment="who judged what; a judged segment without a coding has none of the codes",
    )
    op.create_table(
        "theme_member",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("theme_id", sa.String(length=32), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("strength", sa.Float(), nullable=False),
        sa.Column("belongs", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id", "theme_id"], ["theme.run_id", "theme.id"], name=op.f("fk_theme_member_run_id")
        ),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_theme_member_segment_id")),
        sa.PrimaryKeyConstraint("run_id", "theme_id", "segment_id", name=op.f("pk_theme_member")),
    )


def _forbid_updates(table: str) -> None:
    dialect = op.get_bind().dialect.name
    if dialect == "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    elif dialect == "postgresql":
        op.execute(
            f"CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        )
        op.execute(
            f'CREATE TRIGGER {table}_append_only BEFORE UPDATE ON "{table}" '
            f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
        )
