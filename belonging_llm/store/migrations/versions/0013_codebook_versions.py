"""Versions of the codebook: who made each, when and why; and which one people judged by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and count every codebook that is there as a version of which nobody is named."""
    op.create_table(
        "codebook_version",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False, comment="empty where nobody was named"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("same_meaning", sa.Text(), nullable=False, comment="codes said to mean what they meant, as JSON"),
        sa.ForeignKeyConstraint(["digest"], ["codebook.digest"], name=op.f("fk_codebook_version_digest")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_codebook_version")),
        comment="each time a codebook came into use, the same one perhaps again; rows are only added",
    )
    op.create_index(op.f("ix_codebook_version_digest"), "codebook_version", ["digest"], unique=False)
    op.execute(
        """INSERT INTO codebook_version (digest, at, "by", reason, same_meaning)
        SELECT digest, imported_at, '', '', '[]' FROM codebook ORDER BY ordinal"""
    )
    # Of what was judged before nobody wrote down which codes were there.
    op.add_column(
        "judged",
        sa.Column(
            "codebook",
            sa.String(length=64),
            nullable=False,
            server_default="",
            comment="digest of the one in use when it was kept",
        ),
    )


def downgrade() -> None:
    """Remove them again; the codebooks stay."""
    op.drop_column("judged", "codebook")
    op.drop_table("codebook_version")
