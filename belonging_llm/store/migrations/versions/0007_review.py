"""Reviewers, their sessions and queues, what they saw and what they judged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_MADE = ("reviewer", "reviewer_session", "sign_in_attempt", "viewing", "queue", "queue_item", "judgement")
_INDEXES = {
    "ix_reviewer_session_reviewer": ("reviewer_session", ["reviewer"]),
    "ix_sign_in_attempt_account_at": ("sign_in_attempt", ["account", "at"]),
    "ix_sign_in_attempt_address_at": ("sign_in_attempt", ["address", "at"]),
    "ix_viewing_transcript_id": ("viewing", ["transcript_id"]),
    "ix_queue_item_segment_id": ("queue_item", ["segment_id"]),
    "ix_queue_item_state": ("queue_item", ["reviewer", "state", "place"]),
    "ix_queue_item_place": ("queue_item", ["reviewer", "place"]),
    "ix_queue_item_flagged": ("queue_item", ["reviewer", "flagged", "place"]),
    "ix_queue_item_touched": ("queue_item", ["reviewer", "touched_at"]),
    "ix_judgement_segment_id": ("judgement", ["segment_id"]),
    "ix_judgement_reviewer": ("judgement", ["reviewer", "id"]),
    "ix_judgement_coder": ("judgement", ["coder", "segment_id", "id"]),
    "ix_judgement_kind": ("judgement", ["kind", "id"]),
}


def upgrade() -> None:
    """Make the tables; what was judged is only ever added to."""
    _people()
    _queues()
    _judgements()
    for name, (table, columns) in _INDEXES.items():
        op.create_index(op.f(name), table, columns)
    _forbid_updates("judgement")


def downgrade() -> None:
    """Remove them again."""
    for table in reversed(_MADE):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION judgement_append_only()")


def _people() -> None:
    op.create_table(
        "reviewer",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("coder", sa.Text(), nullable=False, comment="whose codings theirs are"),
        sa.Column("role", sa.String(length=16), nullable=False, comment="coder, adjudicator, admin"),
        sa.Column("password", sa.Text(), nullable=False, comment="argon2; empty until they set it"),
        sa.Column(
            "link_digest",
            sa.String(length=64),
            nullable=True,
            comment="of the one-time link to set it; null once used",
        ),
        sa.Column("link_expires_at", sa.Text(), nullable=True),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.Text(), nullable=True),
        sa.Column("preferences", sa.Text(), nullable=False, server_default="{}", comment="keys and the like, as JSON"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_reviewer")),
    )
    only = sa.text("role = 'coder'")
    op.create_index(
        op.f("uq_reviewer_coder"), "reviewer", ["coder"], unique=True, sqlite_where=only, postgresql_where=only
    )
    op.create_table(
        "reviewer_session",
        sa.Column("digest", sa.String(length=64), nullable=False, comment="of the token that the browser holds"),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["reviewer"], ["reviewer.name"], name=op.f("fk_reviewer_session_reviewer")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_reviewer_session")),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column(
            "account",
            sa.String(length=64),
            nullable=False,
            comment="digest of the name as typed: it may be a password",
        ),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_table(
        "viewing",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("page", sa.String(length=64), nullable=False),
        sa.Column("transcript_id", sa.String(length=16), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False, comment="empty where the whole transcript was shown"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_viewing")),
        comment="who saw whose words when",
    )


def _queues() -> None:
    op.create_table(
        "queue",
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("drawn_from", sa.Text(), nullable=False, comment="all, plan N, sample N"),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["reviewer"], ["reviewer.name"], name=op.f("fk_queue_reviewer")),
        sa.PrimaryKeyConstraint("reviewer", name=op.f("pk_queue")),
    )
    op.create_table(
        "queue_item",
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="in the order drawn for this coder"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="pending, draft, submitted, skipped"),
        sa.Column("flagged", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("draft", sa.Text(), nullable=False, server_default="null", comment="what is chosen so far, as JSON"),
        sa.Column("touched_at", sa.Text(), nullable=False, server_default=""),
        sa.ForeignKeyConstraint(["reviewer"], ["reviewer.name"], name=op.f("fk_queue_item_reviewer")),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_queue_item_segment_id")),
        sa.PrimaryKeyConstraint("reviewer", "segment_id", name=op.f("pk_queue_item")),
    )


def _judgements() -> None:
    op.create_table(
        "judgement",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="sent twice, it counts once"),
        sa.Column("kind", sa.String(length=16), nullable=False, comment="blind, adjudication, audit"),
        sa.Column("segment_id", sa.Text(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False, comment="who wrote it"),
        sa.Column("coder", sa.Text(), nullable=False, comment="under whose name it counts"),
        sa.Column("marks", sa.Text(), nullable=False, comment="codes with polarity and spans, as JSON"),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.Column("certainty", sa.String(length=16), nullable=True),
        sa.Column("none_fits", sa.Boolean(), nullable=False),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("saw_model", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("codebook_digest", sa.String(length=64), nullable=False),
        sa.Column(
            "details",
            sa.Text(),
            nullable=False,
            server_default="{}",
            comment="what a kind has beyond that, as JSON",
        ),
        sa.Column("supersedes", sa.Integer(), nullable=False, comment="the record before it; 0 for the first"),
        sa.Column("at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["segment.id"], name=op.f("fk_judgement_segment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_judgement")),
        sa.UniqueConstraint("key", name=op.f("uq_judgement_key")),
        sa.UniqueConstraint("segment_id", "coder", "supersedes", name=op.f("uq_judgement_chain")),
        comment="what people said of segments, every word of it kept; the last of a chain is also in coding and judged",
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
            f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
        )
        op.execute(
            f'CREATE TRIGGER {table}_append_only BEFORE UPDATE ON "{table}" '
            f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
        )
