"""Themes that keep their ids from run to run, and what people change about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; themes that are there keep their ids, and nobody else gets those."""
    op.create_table(
        "theme_known",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_theme_known")),
        comment="ids that themes ever had; none is given twice",
    )
    op.create_table(
        "theme_frame",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column(
            "base",
            sa.String(length=32),
            nullable=True,
            comment="the run that found the members of its themes; null: it did",
        ),
        sa.Column("encoder", sa.Text(), nullable=False),
        sa.Column(
            "content", sa.Text(), nullable=False, comment="how the themes came about, as JSON: method and digests"
        ),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_theme_frame_run_id")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_theme_frame")),
    )
    op.create_table(
        "theme_place",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("theme_id", sa.String(length=32), nullable=False),
        sa.Column("segments", sa.Text(), nullable=False, comment="ids of its exemplars, as JSON"),
        sa.Column("vectors", sa.LargeBinary(), nullable=False, comment="theirs: float32, little-endian, row by row"),
        sa.Column("centre", sa.LargeBinary(), nullable=False, comment="float32, little-endian"),
        sa.Column("named_at", sa.LargeBinary(), nullable=False, comment="its centre when it got its name"),
        sa.Column("content", sa.Text(), nullable=False, comment="floors, as JSON"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_theme_place_run_id")),
        sa.PrimaryKeyConstraint("run_id", "theme_id", name=op.f("pk_theme_place")),
        comment="where in the space of vectors a theme is; new segments are placed by it",
    )
    op.create_table(
        "theme_edit",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="the change as JSON"),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_theme_edit")),
        comment="only ever added to; undoing is a row too",
    )
    op.create_table(
        "theme_step",
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False, comment="the Step as JSON"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_theme_step_run_id")),
        sa.PrimaryKeyConstraint("run_id", "place", name=op.f("pk_theme_step")),
        comment="what became of themes from run to run",
    )
    op.execute(
        "INSERT INTO theme_known (id, at) SELECT theme.id, MIN(run.started_at) FROM theme "
        "JOIN run ON run.id = theme.run_id GROUP BY theme.id"
    )
    _forbid_updates("theme_edit")


def downgrade() -> None:
    """Remove them again."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute('DROP TRIGGER theme_edit_append_only ON "theme_edit"')
        op.execute("DROP FUNCTION theme_edit_append_only()")
    for name in ("theme_step", "theme_edit", "theme_place", "theme_frame", "theme_known"):
        op.drop_table(name)


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
