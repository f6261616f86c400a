"""Pack questions into parcels: cut where a file would be too long or too large, and sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from uuid import uuid4

from belonging_llm.asking import Asker
from belonging_llm.parcels.parcel import Line, Parcel, Post
from belonging_llm.parcels.terms import Terms
from belonging_llm.provenance import now


def cut(lines: Sequence[Line], post: Post, terms: Terms) -> Iterator[list[Line]]:
    """The questions in their order, in parts that fit into a file each."""
    part: list[Line] = []
    size = 0
    for line in lines:
        more = len(post.line(line.key, line.request))
        if part and (len(part) == terms.requests or size + more > terms.bytes):
            yield part
            part, size = [], 0
        part.append(line)
        size += more
    if part:
        yield part


def seal(lines: Sequence[Line], asker: Asker, post: Post) -> Parcel:
    """A new parcel of these questions, yet to be written down."""
    content, size = sha256(), 0
    for line in lines:
        raw = post.line(line.key, line.request)
        content.update(raw)
        size += len(raw)
    at = now()
    return Parcel(
        id=uuid4().hex,
        run_id=asker.run_id,
        model=asker.model.id,
        endpoint=str(asker.model.endpoint),
        digest=content.hexdigest(),
        requests=len(lines),
        bytes=size,
        made_at=at,
        touched_at=at,
    )
