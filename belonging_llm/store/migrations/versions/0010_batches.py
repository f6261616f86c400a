"""Batches of new material on top of a whole run, and the inbox that they come from."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_MADE = ("arrival", "tally", "coder_state", "placement", "retried", "batch_part", "waiting")


def upgrade() -> None:
    """Add columns, indexes and tables; what no finished run has covered waits for a batch."""
    op.add_column(
        "transcript",
        sa.Column("source_digest", sa.String(length=64), nullable=True, comment="of the file that it came from"),
    )
    op.create_index(op.f("ix_transcript_source_digest"), "transcript", ["source_digest"], unique=False)
    op.add_column(
        "run",
        sa.Column(
            "kind",
            sa.String(length=8),
            nullable=False,
            server_default="whole",
            comment="whole, or batch on top of one",
        ),
    )
    op.add_column(
        "run",
        sa.Column("base_id", sa.String(length=32), nullable=True, comment="the whole run that a batch stands on"),
    )
    op.add_column(
        "run",
        sa.Column(
            "ordinal",
            sa.Integer(),
            nullable=False,
            server_default="0",
            comment="of the batch on its base, from 1",
        ),
    )
    op.create_index("ix_run_kind", "run", ["kind", "finished_at"], unique=False)
    op.create_index("ix_run_base_id", "run", ["base_id", "ordinal"], unique=False)
    op.create_index(op.f("ix_egress_run_id"), "egress", ["run_id"], unique=False)
    _tables()
    _fill()


def _tables() -> None:
    op.create_table(
        "waiting",
        sa.Column("transcript_id", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], name=op.f("fk_waiting_transcript_id")),
        sa.PrimaryKeyConstraint("transcript_id", name=op.f("pk_waiting")),
        comment="transcripts that no run has taken up yet",
    )
    op.create_table(
        "batch_part",
        sa.Column("transcript_id", sa.String(length=16), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_batch_part_run_id")),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], name=op.f("fk_batch_part_transcript_id")),
        sa.PrimaryKeyConstraint("transcript_id", "run_id", name=op.f("pk_batch_part")),
        comment="transcripts that a batch took up",
    )
    op.create_index(op.f("ix_batch_part_run_id"), "batch_part", ["run_id"], unique=False)
    op.create_table(
        "retried",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_retried_run_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_retried_segment_id")),
        sa.PrimaryKeyConstraint("run_id", "segment_id", name=op.f("pk_retried")),
        comment="segments that an earlier batch failed at; what this one says of them counts instead",
    )
    op.create_table(
        "placement",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("theme_id", sa.String(length=32), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("strength", sa.Float(), nullable=False),
        sa.Column("belongs", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_placement_run_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_placement_segment_id")),
        sa.PrimaryKeyConstraint("run_id", "theme_id", "segment_id", name=op.f("pk_placement")),
        comment="segments that a batch put into themes of its base",
    )
    op.create_index(op.f("ix_placement_segment_id"), "placement", ["segment_id"], unique=False)
    op.create_table(
        "coder_state",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False, comment="what a whole run learned, as numbers"),
        sa.Column("taught_by", sa.String(length=64), nullable=False, comment="digest of what people had coded by then"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_coder_state_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_coder_state")),
    )
    op.create_table(
        "tally",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="numbers of the whole state as of this run, as JSON"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_tally_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_tally")),
    )
    op.create_table(
        "arrival",
        sa.Column("name", sa.Text(), nullable=False, comment="in the inbox"),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the file's bytes; empty while not read"),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified", sa.Text(), nullable=False, comment="as the file system says"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=True, comment="the batch that took it in"),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", "digest", name=op.f("pk_arrival")),
        comment="what lay in the inbox, and what became of it",
    )
    op.create_index(op.f("ix_arrival_run_id"), "arrival", ["run_id"], unique=False)


def _fill() -> None:
    """Note which file each transcript came from, and which no finished run has a coding of."""
    connection = op.get_bind()
    for ident, content in connection.execute(sa.text("SELECT id, content FROM transcript")).all():
        source = json.loads(content).get("source")
        if source:
            update = sa.text("UPDATE transcript SET source_digest = :digest WHERE id = :id")
            connection.execute(update, {"digest": source["digest"], "id": ident})
    connection.execute(
        sa.text(
            "INSERT INTO waiting (transcript_id) SELECT id FROM transcript WHERE id NOT IN ("
            "SELECT segment.transcript_id FROM segment JOIN coding ON coding.segment_id = segment.id "
            "JOIN run ON run.id = coding.run_id WHERE run.status <> 'running')"
        )
    )


def downgrade() -> None:
    """Remove them again."""
    for table in _MADE:
        op.drop_table(table)
    op.drop_index(op.f("ix_egress_run_id"), table_name="egress")
    op.drop_index("ix_run_base_id", table_name="run")
    op.drop_index("ix_run_kind", table_name="run")
    for column in ("ordinal", "base_id", "kind"):
        op.drop_column("run", column)
    op.drop_index(op.f("ix_transcript_source_digest"), table_name="transcript")
    op.drop_column("transcript", "source_digest")
