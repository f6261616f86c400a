"""Whose words left this process; who withdrew, and what may not come in again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables; of what left before nobody wrote down whose words it held."""
    op.add_column("egress", sa.Column("run_id", sa.String(length=32), nullable=False, server_default=""))
    op.add_column(
        "egress",
        sa.Column(
            "about",
            sa.Text(),
            nullable=True,
            comment="whose words it held, as JSON; null where that was not logged yet",
        ),
    )
    op.add_column(
        "parcel_line",
        sa.Column(
            "about",
            sa.Text(),
            nullable=False,
            server_default="[]",
            comment="whose words it shows, as JSON; [] once closed",
        ),
    )
    op.create_table(
        "withdrawal",
        sa.Column(
            "id",
            sa.String(length=32),
            nullable=False,
            comment="drawn at random; stands for the participant ever after",
        ),
        sa.Column("participant", sa.Text(), nullable=False, comment="empty once it is done"),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="begun, emptied, done"),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False, comment="what was removed so far, as JSON"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
    )
    op.create_table(
        "tombstone",
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of a file, or of a text"),
        sa.Column("withdrawal_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["withdrawal_id"], ["withdrawal.id"], name=op.f("fk_tombstone_withdrawal_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tombstone")),
    )


def downgrade() -> None:
    """Remove them again."""
    op.drop_table("tombstone")
    op.drop_table("withdrawal")
    op.drop_column("parcel_line", "about")
    op.drop_column("egress", "about")
    op.drop_column("egress", "run_id")
