"""The tables of a study's database. Alembic's migrations build them; this is what they build."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

transcript = sa.Table(
    "transcript",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="the Transcript as JSON: text, turns, header"),
    sa.Column("split_with", sa.Text, comment="settings of the cut in use; null until cut"),
    sa.Column("imported_at", sa.Text, nullable=False),
    sa.Column("source_digest", sa.String(64), index=True, comment="of the file that it came from"),
)

participant = sa.Table(
    "participant",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("attributes", sa.Text, nullable=False),
)

segment = sa.Table(
    "segment",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("transcript_id", sa.ForeignKey("transcript.id"), nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("participant", sa.Text, nullable=False, index=True),
    sa.Column("turn", sa.Integer, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

cutting = sa.Table(
    "cutting",
    metadata,
    sa.Column("settings", sa.String(64), primary_key=True),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True),
    comment="which segments a transcript was cut into under which settings; the transcript says which are in use",
)

vector = sa.Table(
    "vector",
    metadata,
    sa.Column("text_digest", sa.String(64), primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False, comment="float32, little-endian, unit length"),
)

codebook = sa.Table(
    "codebook",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("imported_at", sa.Text, nullable=False),
    sa.Column("ordinal", sa.Integer, nullable=False, comment="the highest is the one in use"),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("inputs_digest", sa.String(64), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False, comment="running, complete, incomplete"),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),
    sa.Column("kind", sa.String(8), nullable=False, server_default="whole", comment="whole, or batch on top of one"),
    sa.Column("base_id", sa.String(32), comment="the whole run that a batch stands on"),
    sa.Column("ordinal", sa.Integer, nullable=False, server_default="0", comment="of the batch on its base, from 1"),
    sa.Index("ix_run_kind", "kind", "finished_at"),
    sa.Index("ix_run_base_id", "base_id", "ordinal"),
)

call = sa.Table(
    "call",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True, comment="digest of what was asked"),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String(32), nullable=False, index=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("prompt_digest", sa.String(64), nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("reply", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("parcel", sa.String(32), comment="the parcel that brought it; null when asked by itself"),
)

parcel = sa.Table(
    "parcel",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("run_id", sa.String(32), nullable=False, index=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, comment="of the file's bytes"),
    sa.Column("requests", sa.Integer, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, comment="sealed, uploaded, sent, closed"),
    sa.Column("file_id", sa.Text),
    sa.Column("remote_id", sa.Text, comment="the endpoint's name for the batch"),
    sa.Column("status", sa.Text, nullable=False, comment="the endpoint's last word"),
    sa.Column("errors", sa.Text, nullable=False, comment="codes that the whole was refused with, as JSON"),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("touched_at", sa.Text, nullable=False),
    comment="questions that were sent together",
)

parcel_line = sa.Table(
    "parcel_line",
    metadata,
    sa.Column("parcel_id", sa.ForeignKey("parcel.id"), primary_key=True),
    sa.Column("key", sa.String(64), primary_key=True, comment="digest of what was asked"),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("prompt", sa.Text, nullable=False),
    sa.Column("prompt_digest", sa.String(64), nullable=False),
    sa.Column("request", sa.Text, nullable=False, comment="empty once the parcel is closed"),
    sa.Column("fate", sa.String(16), nullable=False),
    sa.Column(
        "about", sa.Text, nullable=False, server_default="[]", comment="whose words it shows, as JSON; [] once closed"
    ),
    sa.Index(
        "ux_parcel_line_waiting",
        "key",
        unique=True,
        sqlite_where=sa.text("fate = 'waiting'"),
        postgresql_where=sa.text("fate = 'waiting'"),
    ),
    comment="a question waits in one parcel at most",
)

parcel_stray = sa.Table(
    "parcel_stray",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("parcel_id", sa.ForeignKey("parcel.id"), nullable=False, index=True),
    sa.Column("source", sa.String(8), nullable=False, comment="the file it stood in"),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("why", sa.String(16), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    comment="lines that came back and stand for no question, as they came",
)

egress = sa.Table(
    "egress",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("endpoint", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, comment="of the request; the text itself is not logged"),
    sa.Column("run_id", sa.String(32), nullable=False, server_default="", index=True),
    sa.Column(
        "about", sa.Text, comment="participants whose words it held, as JSON; null where that was not logged yet"
    ),
)

withdrawal = sa.Table(
    "withdrawal",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True, comment="drawn at random; stands for the participant ever after"),
    sa.Column("participant", sa.Text, nullable=False, comment="empty once it is done"),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("begun_at", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, comment="begun, emptied, done"),
    sa.Column("finished_at", sa.Text),
    sa.Column("content", sa.Text, nullable=False, comment="what was removed so far, as JSON"),
)

tombstone = sa.Table(
    "tombstone",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, comment="of a file, or of a text"),
    sa.Column("withdrawal_id", sa.ForeignKey("withdrawal.id"), nullable=False),
    comment="what may not come in again, since somebody withdrew",
)

theme = sa.Table(
    "theme",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="the Theme as JSON, less its members"),
)

theme_member = sa.Table(
    "theme_member",
    metadata,
    sa.Column("run_id", sa.String(32), primary_key=True),
    sa.Column("theme_id", sa.String(32), primary_key=True),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("strength", sa.Float, nullable=False),
    sa.Column("belongs", sa.String(8), nullable=False),
    sa.ForeignKeyConstraint(["run_id", "theme_id"], ["theme.run_id", "theme.id"]),
)

coding = sa.Table(
    "coding",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.String(32), nullable=False, comment="empty for people's codings"),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), nullable=False, index=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("coder", sa.Text, nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("polarity", sa.String(16)),
    sa.Column("confidence", sa.Float),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("rationale", sa.Text, nullable=False),
    sa.Column("provenance", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.UniqueConstraint("run_id", "segment_id", "code", "coder", name="uq_coding_judgement"),
)

judged = sa.Table(
    "judged",
    metadata,
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True),
    sa.Column("coder", sa.Text, primary_key=True),
    sa.Column("saw_model", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("at", sa.Text, nullable=False, server_default=""),
    sa.Column(
        "codebook",
        sa.String(64),
        nullable=False,
        server_default="",
        comment="digest of the one in use when it was kept",
    ),
    comment="who judged what; a judged segment without a coding has none of the codes",
)

split = sa.Table(
    "split",
    metadata,
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("part", sa.String(16), nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("drawn", sa.Text, nullable=False, comment="shares and seed, as JSON"),
)

unsealing = sa.Table(
    "unsealing",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("candidate", sa.Text, nullable=False, comment="the run or coder that was judged"),
    sa.Column("pinned", sa.Text, nullable=False, comment="digests of what must not change, as JSON"),
)

audit_plan = sa.Table(
    "audit_plan",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="seed, sizes, strata, as JSON"),
)

audit_unit = sa.Table(
    "audit_unit",
    metadata,
    sa.Column("plan_id", sa.ForeignKey("audit_plan.id"), primary_key=True),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True),
    sa.Column("inclusion", sa.Float, nullable=False, comment="probability of being drawn"),
    sa.Column("stratum", sa.Text, nullable=False),
    sa.Column("drawn", sa.Boolean, nullable=False),
)

sentinel = sa.Table(
    "sentinel",
    metadata,
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
)

stability = sa.Table(
    "stability",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("run.id"), nullable=False, index=True, comment="the run that is put to the test"),
    sa.Column("inputs_digest", sa.String(64), nullable=False, index=True),
    sa.Column("status", sa.String(16), nullable=False, comment="running, complete, incomplete"),
    sa.Column("started_at", sa.Text, nullable=False),
    sa.Column("finished_at", sa.Text),
    sa.Column("plan", sa.Text, nullable=False, comment="sample and variations, as JSON"),
)

recoding = sa.Table(
    "recoding",
    metadata,
    sa.Column("stability_id", sa.ForeignKey("stability.id"), primary_key=True),
    sa.Column("variation", sa.Text, primary_key=True),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("polarity", sa.String(16)),
    sa.Column("confidence", sa.Float),
)

brought = sa.Table(
    "brought",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, comment="of the file"),
    sa.Column("ordinal", sa.Integer, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="users, codes' looks, variables, sets, account, as JSON"),
)

source = sa.Table(
    "source",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True, comment="GUID"),
    sa.Column("transcript_id", sa.ForeignKey("transcript.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="description, user, time, values, as JSON"),
)

passage = sa.Table(
    "passage",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True, comment="GUID"),
    sa.Column("transcript_id", sa.ForeignKey("transcript.id"), nullable=False, index=True),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("coder", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("whole", sa.Boolean, nullable=False),
)

passage_coding = sa.Table(
    "passage_coding",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True, comment="GUID"),
    sa.Column("passage_id", sa.ForeignKey("passage.id"), nullable=False, index=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("coder", sa.Text, nullable=False),
    sa.Column("polarity", sa.String(16)),
    sa.Column("rationale", sa.Text, nullable=False),
    sa.Column("saw_model", sa.Boolean, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

memo = sa.Table(
    "memo",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True, comment="GUID"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("coder", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

memo_place = sa.Table(
    "memo_place",
    metadata,
    sa.Column("memo_id", sa.ForeignKey("memo.id"), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True, comment="project, code, source, passage, coding, set"),
    sa.Column("target", sa.Text, primary_key=True, comment="GUID of what it belongs to; a code's id"),
)

case_record = sa.Table(
    "case_record",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True, comment="GUID"),
    sa.Column("participant", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="description, sources, passages, as JSON"),
)

# Themes across runs, and what people changed about them.
theme_known = sa.Table(
    "theme_known",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("at", sa.Text, nullable=False),
    comment="ids that themes ever had; none is given twice",
)

theme_frame = sa.Table(
    "theme_frame",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("base", sa.String(32), comment="the run that found the members of its themes; null: it did"),
    sa.Column("encoder", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="how the themes came about, as JSON: method and digests"),
)

theme_place = sa.Table(
    "theme_place",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("theme_id", sa.String(32), primary_key=True),
    sa.Column("segments", sa.Text, nullable=False, comment="ids of its exemplars, as JSON"),
    sa.Column("vectors", sa.LargeBinary, nullable=False, comment="theirs: float32, little-endian, row by row"),
    sa.Column("centre", sa.LargeBinary, nullable=False, comment="float32, little-endian"),
    sa.Column("named_at", sa.LargeBinary, nullable=False, comment="its centre when it got its name"),
    sa.Column("content", sa.Text, nullable=False, comment="floors, as JSON"),
    comment="where in the space of vectors a theme is; new segments are placed by it",
)

theme_edit = sa.Table(
    "theme_edit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("content", sa.Text, nullable=False, comment="the change as JSON"),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    comment="only ever added to; undoing is a row too",
)

theme_step = sa.Table(
    "theme_step",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("content", sa.Text, nullable=False, comment="the Step as JSON"),
    comment="what became of themes from run to run",
)

# What the review application keeps.

_CODES = sa.text("role = 'coder'")

reviewer = sa.Table(
    "reviewer",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("coder", sa.Text, nullable=False, comment="whose codings theirs are"),
    sa.Column("role", sa.String(16), nullable=False, comment="coder, adjudicator, admin"),
    sa.Column("password", sa.Text, nullable=False, comment="argon2; empty until they set it"),
    sa.Column("link_digest", sa.String(64), comment="of the one-time link to set it; null once used"),
    sa.Column("link_expires_at", sa.Text),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
    sa.Column("preferences", sa.Text, nullable=False, server_default="{}", comment="keys and the like, as JSON"),
    # One codes under a name; who settles or administers may have coded under it by another account.
    sa.Index("uq_reviewer_coder", "coder", unique=True, sqlite_where=_CODES, postgresql_where=_CODES),
)

reviewer_session = sa.Table(
    "reviewer_session",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, comment="of the token that the browser holds"),
    sa.Column("reviewer", sa.ForeignKey("reviewer.name"), nullable=False, index=True),
    sa.Column("made_at", sa.Text, nullable=False),
    sa.Column("seen_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
)

sign_in_attempt = sa.Table(
    "sign_in_attempt",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("account", sa.String(64), nullable=False, comment="digest of the name as typed: it may be a password"),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("succeeded", sa.Boolean, nullable=False),
    sa.Index("ix_sign_in_attempt_account_at", "account", "at"),
    sa.Index("ix_sign_in_attempt_address_at", "address", "at"),
)

viewing = sa.Table(
    "viewing",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("page", sa.String(64), nullable=False),
    sa.Column("transcript_id", sa.String(16), nullable=False, index=True),
    sa.Column("segment_id", sa.Text, nullable=False, comment="empty where the whole transcript was shown"),
    comment="who saw whose words when",
)

queue = sa.Table(
    "queue",
    metadata,
    sa.Column("reviewer", sa.ForeignKey("reviewer.name"), primary_key=True),
    sa.Column("drawn_from", sa.Text, nullable=False, comment="all, plan N, sample N"),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("made_at", sa.Text, nullable=False),
)

queue_item = sa.Table(
    "queue_item",
    metadata,
    sa.Column("reviewer", sa.ForeignKey("reviewer.name"), primary_key=True),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True, index=True),
    sa.Column("place", sa.Integer, nullable=False, comment="in the order drawn for this coder"),
    sa.Column("state", sa.String(16), nullable=False, comment="pending, draft, submitted, skipped"),
    sa.Column("flagged", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("draft", sa.Text, nullable=False, server_default="null", comment="what is chosen so far, as JSON"),
    sa.Column("touched_at", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_queue_item_state", "reviewer", "state", "place"),
    sa.Index("ix_queue_item_place", "reviewer", "place"),
    sa.Index("ix_queue_item_flagged", "reviewer", "flagged", "place"),
    sa.Index("ix_queue_item_touched", "reviewer", "touched_at"),
)

judgement = sa.Table(
    "judgement",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True, comment="sent twice, it counts once"),
    sa.Column("kind", sa.String(16), nullable=False, comment="blind, adjudication, audit"),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), nullable=False, index=True),
    sa.Column("reviewer", sa.Text, nullable=False, comment="who wrote it"),
    sa.Column("coder", sa.Text, nullable=False, comment="under whose name it counts"),
    sa.Column("marks", sa.Text, nullable=False, comment="codes with polarity and spans, as JSON"),
    sa.Column("memo", sa.Text, nullable=False),
    sa.Column("certainty", sa.String(16)),
    sa.Column("none_fits", sa.Boolean, nullable=False),
    sa.Column("skipped", sa.Boolean, nullable=False),
    sa.Column("flagged", sa.Boolean, nullable=False),
    sa.Column("saw_model", sa.Boolean, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("codebook_digest", sa.String(64), nullable=False),
    sa.Column("details", sa.Text, nullable=False, server_default="{}", comment="what a kind has beyond that, as JSON"),
    sa.Column("supersedes", sa.Integer, nullable=False, comment="the record before it; 0 for the first"),
    sa.Column("at", sa.Text, nullable=False),
    # One chain for each segment and coder: of two that follow the same record, one is refused.
    sa.UniqueConstraint("segment_id", "coder", "supersedes", name="uq_judgement_chain"),
    sa.Index("ix_judgement_reviewer", "reviewer", "id"),
    sa.Index("ix_judgement_coder", "coder", "segment_id", "id"),
    sa.Index("ix_judgement_kind", "kind", "id"),
    comment="what people said of segments, every word of it kept; the last of a chain is also in coding and judged",
)

# Versions of the codebook.

codebook_version = sa.Table(
    "codebook_version",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("digest", sa.ForeignKey("codebook.digest"), nullable=False, index=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("by", sa.Text, nullable=False, comment="empty where nobody was named"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("same_meaning", sa.Text, nullable=False, comment="codes said to mean what they meant, as JSON"),
    comment="each time a codebook came into use, the same one perhaps again; rows are only added",
)

# Batches: new material on top of a whole run.

waiting = sa.Table(
    "waiting",
    metadata,
    sa.Column("transcript_id", sa.ForeignKey("transcript.id"), primary_key=True),
    comment="transcripts that no run has taken up yet",
)

batch_part = sa.Table(
    "batch_part",
    metadata,
    sa.Column("transcript_id", sa.ForeignKey("transcript.id"), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True, index=True),
    comment="transcripts that a batch took up",
)

retried = sa.Table(
    "retried",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True),
    comment="segments that an earlier batch failed at; what this one says of them counts instead",
)

placement = sa.Table(
    "placement",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("theme_id", sa.String(32), primary_key=True),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True, index=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("strength", sa.Float, nullable=False),
    sa.Column("belongs", sa.String(8), nullable=False),
    comment="segments that a batch put into themes of its base",
)

coder_state = sa.Table(
    "coder_state",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False, comment="what a whole run learned, as numbers"),
    sa.Column("taught_by", sa.String(64), nullable=False, comment="digest of what people had coded by then"),
    sa.Column("at", sa.Text, nullable=False),
)

tally = sa.Table(
    "tally",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("content", sa.Text, nullable=False, comment="numbers of the whole state as of this run, as JSON"),
)

arrival = sa.Table(
    "arrival",
    metadata,
    sa.Column("name", sa.Text, primary_key=True, comment="in the inbox"),
    sa.Column("digest", sa.String(64), primary_key=True, comment="of the file's bytes; empty while not read"),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("modified", sa.Text, nullable=False, comment="as the file system says"),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("run_id", sa.String(32), index=True, comment="the batch that took it in"),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("added", sa.Integer, nullable=False),
    comment="what lay in the inbox, and what became of it",
)

# Drift: what was counted with every batch, what the model said of the sentinels, and what was raised.

watch = sa.Table(
    "watch",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True, comment="the batch; or the whole run it stands on"),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False, comment="what was found, as JSON: figures and ids"),
)

watch_count = sa.Table(
    "watch_count",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("measure", sa.Text, primary_key=True, comment="what is counted, such as a code"),
    sa.Column("participant", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, nullable=False, comment="segments"),
    sa.Column("k", sa.Integer, nullable=False, comment="those with what is counted"),
    comment="per participant, so that no test takes segments of one interview as independent",
)

sentinel_answer = sa.Table(
    "sentinel_answer",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True, comment="the batch"),
    sa.Column("repetition", sa.Integer, primary_key=True),
    sa.Column("segment_id", sa.ForeignKey("segment.id"), primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("question", sa.String(64), nullable=False, comment="digest of what was asked, and of whom"),
    sa.Column("said", sa.Float, comment="1, 0, or a model's log-probability; null where it gave no usable answer"),
    comment="what the model said of a sentinel, asked anew in each batch",
)

alarm = sa.Table(
    "alarm",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("run.id"), nullable=False, index=True, comment="the batch"),
    sa.Column("kind", sa.String(16), nullable=False, comment="novelty, sentinels, endpoint, distribution"),
    sa.Column("subject", sa.Text, nullable=False, comment="a code, a model, or the run whose themes no longer fit"),
    sa.Column("content", sa.Text, nullable=False, comment="figures, as JSON"),
    sa.Column("at", sa.Text, nullable=False),
    sa.UniqueConstraint("run_id", "kind", "subject", name="uq_alarm_subject"),
)

acknowledgement = sa.Table(
    "acknowledgement",
    metadata,
    sa.Column("alarm_id", sa.ForeignKey("alarm.id"), primary_key=True),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
    comment="somebody looked into an alarm",
)

# What the pages of the review application look up at every request.

sa.Index("ix_call_prompt_digest", call.c.prompt_digest)
sa.Index("ix_coding_run_id_id", coding.c.run_id, coding.c.id)
