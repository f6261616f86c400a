"""What pages look up at every request: people's newest coding, and calls made with a prompt."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two indexes."""
    op.create_index("ix_call_prompt_digest", "call", ["prompt_digest"])
    op.create_index("ix_coding_run_id_id", "coding", ["run_id", "id"])


def downgrade() -> None:
    """Remove them again."""
    op.drop_index("ix_coding_run_id_id", "coding")
    op.drop_index("ix_call_prompt_digest", "call")
