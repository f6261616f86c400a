"""Questions that are sent together: what was sent, what became of each, and which replies came that way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, and to each reply the parcel that brought it."""
    op.add_column("call", sa.Column("parcel", sa.String(length=32), nullable=True))
    op.create_table(
        "parcel",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the file's bytes"),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="sealed, uploaded, sent, closed"),
        sa.Column("file_id", sa.Text(), nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=True, comment="the endpoint's name for the batch"),
        sa.Column("status", sa.Text(), nullable=False, comment="the endpoint's last word"),
        sa.Column("errors", sa.Text(), nullable=False, comment="codes that the whole was refused with, as JSON"),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("touched_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
        comment="questions that were sent together",
    )
    op.create_index(op.f("ix_parcel_run_id"), "parcel", ["run_id"], unique=False)
    _lines()


def _lines() -> None:
    op.create_table(
        "parcel_line",
        sa.Column("parcel_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="digest of what was asked"),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("prompt_digest", sa.String(length=64), nullable=False),
        sa.Column("request", sa.Text(), nullable=False, comment="empty once the parcel is closed"),
        sa.Column("fate", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_parcel_line_parcel_id")),
        sa.PrimaryKeyConstraint("parcel_id", "key", name=op.f("pk_parcel_line")),
        comment="a question waits in one parcel at most",
    )
    waiting = sa.text("fate = 'waiting'")
    op.create_index(
        "ux_parcel_line_waiting", "parcel_line", ["key"], unique=True, sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "parcel_stray",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("parcel_id", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False, comment="the file it stood in"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_parcel_stray_parcel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_stray")),
        comment="lines that came back and stand for no question, as they came",
    )
    op.create_index(op.f("ix_parcel_stray_parcel_id"), "parcel_stray", ["parcel_id"], unique=False)


def downgrade() -> None:
    """Remove them again."""
    for table in ("parcel_stray", "parcel_line", "parcel"):
        op.drop_table(table)
    op.drop_column("call", "parcel")
