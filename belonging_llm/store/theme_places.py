"""Taking segments out of what is kept of where themes are."""

from __future__ import annotations

import json
from collections.abc import Collection

import numpy as np
import sqlalchemy as sa

from belonging_llm.store.schema import theme_place


def forget_exemplars(connection: sa.Connection, segments: Collection[str], themes: Collection[str] = ()) -> int:
    """Remove the vectors of segments from every theme's place, and all that was reckoned with them.

    The centre becomes that of the exemplars that stay, and so does the one from when the theme got its name. A theme
    of which no exemplar stays has no place until segments are grouped again.

    Args:
        themes: Themes that the segments were in, exemplars or not: their centres are reckoned anew as well.

    Returns:
        How many places changed or went.
    """
    gone, changed = set(segments), 0
    for row in connection.execute(sa.select(theme_place)).mappings().all():
        ids = json.loads(row["segments"])
        stays = [n for n, ident in enumerate(ids) if ident not in gone]
        if len(stays) == len(ids) and row["theme_id"] not in themes:
            continue
        this = (theme_place.c.run_id == row["run_id"]) & (theme_place.c.theme_id == row["theme_id"])
        changed += 1
        if not stays:
            connection.execute(theme_place.delete().where(this))
            continue
        vectors = np.frombuffer(row["vectors"], "<f4").reshape(len(ids), -1)[stays]
        mean = vectors.mean(axis=0)
        centre = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), "<f4").tobytes()
        kept = {"segments": json.dumps([ids[n] for n in stays]), "vectors": vectors.tobytes()}
        connection.execute(theme_place.update().where(this).values(kept | {"centre": centre, "named_at": centre}))
    return changed
