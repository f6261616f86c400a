"""Drift: what was counted with every batch, what the model said of the sentinels, alarms and who looked into them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "watch",
        sa.Column("run_id", sa.String(length=32), nullable=False, comment="the batch; or the whole run it stands on"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="what was found, as JSON: figures and ids"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_watch_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_watch")),
    )
    op.create_table(
        "watch_count",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False, comment="what is counted, such as a code"),
        sa.Column("participant", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False, comment="segments"),
        sa.Column("k", sa.Integer(), nullable=False, comment="those with what is counted"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_watch_count_run_id")),
        sa.PrimaryKeyConstraint("run_id", "measure", "participant", name=op.f("pk_watch_count")),
        comment="per participant, so that no test takes segments of one interview as independent",
    )
    _answers()
    _alarms()


def _answers() -> None:
    op.create_table(
        "sentinel_answer",
        sa.Column("run_id", sa.String(length=32), nullable=False, comment="the batch"),
        sa.Column("repetition", sa.Integer(), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False, comment="digest of what was asked, and of whom"),
        sa.Column("said", sa.Float(), comment="1, 0, or a model's log-probability; null where no usable answer"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_sentinel_answer_run_id")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_sentinel_answer_segment_id")),
        sa.PrimaryKeyConstraint("run_id", "repetition", "segment_id", "code", name=op.f("pk_sentinel_answer")),
        comment="what the model said of a sentinel, asked anew in each batch",
    )


def _alarms() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False, comment="the batch"),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="novelty, sentinels, endpoint, distribution"),
        sa.Column(
            "subject", sa.Text(), nullable=False, comment="a code, a model, or the run whose themes no longer fit"
        ),
        sa.Column("content", sa.Text(), nullable=False, comment="figures, as JSON"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_alarm_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        sa.UniqueConstraint("run_id", "kind", "subject", name="uq_alarm_subject"),
    )
    op.create_index(op.f("ix_alarm_run_id"), "alarm", ["run_id"])
    op.create_table(
        "acknowledgement",
        sa.Column("alarm_id", sa.String(length=32), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alarm_id"], ["alarm.id"], name=op.f("fk_acknowledgement_alarm_id")),
        sa.PrimaryKeyConstraint("alarm_id", name=op.f("pk_acknowledgement")),
        comment="somebody looked into an alarm",
    )


def downgrade() -> None:
    """Remove them again."""
    for table in ("acknowledgement", "alarm", "sentinel_answer", "watch_count", "watch"):
        op.drop_table(table)
