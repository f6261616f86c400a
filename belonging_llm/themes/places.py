"""Where themes lie, apart from the segments that they were found in: new segments are put into the themes near them.

The rule is the one by which the clustering itself adds segments that it left out: a segment joins the theme whose
centre is nearest if it lies as near as three quarters of the core do, and every other theme to whose centre it lies
as near as half of the core.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from belonging_llm.clusters import Belongs, Floats
from belonging_llm.embeddings import Vectors
from belonging_llm.themes.theme import ThemeMember

CORE_WITHIN = 0.25


@dataclass(frozen=True)
class Places:
    """Themes by centre and reach.

    Attributes:
        themes: Ids, n of them.
        centres: Unit mean of the core's vectors, float32, shape (n, dim).
        reach: Cosine to the centre that a quarter of the core does not reach, shape (n,); `median` of the core's.
    """

    themes: tuple[str, ...]
    centres: Vectors
    reach: Floats
    median: Floats

    def put(self, segment_id: str, vector: Vectors) -> dict[str, ThemeMember]:
        """The places of one segment, by theme, the nearest first; none where it fits nowhere."""
        if not self.themes:
            return {}
        closeness = self.centres @ vector
        nearest = int(np.argmax(closeness))
        if closeness[nearest] < self.reach[nearest]:
            return {}
        also = [int(k) for k in np.flatnonzero(closeness >= self.median) if k != nearest]
        found = [(nearest, Belongs.NEAR), *((k, Belongs.ALSO) for k in also)]
        return {
            self.themes[k]: ThemeMember(
                segment_id=segment_id,
                strength=round(float(np.clip(closeness[k] / self.median[k], 0, 1)), 4),
                belongs=belongs,
            )
            for k, belongs in found
        }


def places(cores: Sequence[tuple[str, Vectors]]) -> Places:
    """Centre and reach of themes.

    Args:
        cores: Id, and the vectors of the core's segments, unit length, shape (any, dim); at least one each.
    """
    if not cores:
        return Places((), np.empty((0, 0), np.float32), np.empty(0), np.empty(0))
    centres = np.stack([_unit(vectors.mean(axis=0)) for _, vectors in cores])
    closeness = [vectors @ centre for (_, vectors), centre in zip(cores, centres, strict=True)]
    return Places(
        themes=tuple(ident for ident, _ in cores),
        centres=centres,
        reach=np.array([np.quantile(one, CORE_WITHIN) for one in closeness]),
        median=np.array([np.median(one) for one in closeness]),
    )


def places_bytes(found: Places) -> bytes:
    """Places as NumPy's own format keeps them."""
    target = io.BytesIO()
    ids = np.frombuffer(json.dumps(found.themes).encode("ascii"), np.uint8)
    np.savez(target, themes=ids, centres=found.centres, reach=found.reach, median=found.median)
    return target.getvalue()


def places_of(raw: bytes) -> Places:
    """What `places_bytes` kept."""
    with np.load(io.BytesIO(raw), allow_pickle=False) as kept:
        themes = tuple(json.loads(kept["themes"].tobytes()))
        return Places(themes, kept["centres"], kept["reach"], kept["median"])


def _unit(vector: Vectors) -> Vectors:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
