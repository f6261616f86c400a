"""The themes of the run before: what a new run's are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from belonging_llm.analysis.bench import Workbench
from belonging_llm.provenance import digest
from belonging_llm.store import Origin, Run
from belonging_llm.themes import Edit, Place, Theme
from belonging_llm.themes.edits import standing
from belonging_llm.themes.keeping import Since
from belonging_llm.themes.matching import Group
from belonging_llm.themes.replay import apart, pinned


@dataclass(frozen=True)
class Earlier:
    """The run before, as far as themes go.

    Attributes:
        found: Its themes as the machine found them; `themes` with people's splits and moves.
        places: Where they were, by id; empty where the encoder is another one.
        known: Segments that it grouped, whether or not they came to a theme.
        edits: Every record of what people changed.
    """

    run: Run
    origin: Origin
    found: tuple[Theme, ...]
    themes: tuple[Theme, ...]
    places: dict[str, Place]
    known: frozenset[str]
    edits: tuple[Edit, ...]

    @property
    def groups(self) -> dict[str, Group]:
        """Its themes as groups, by id."""
        centres = {ident: place.centre for ident, place in self.places.items()}
        return {t.id: Group(t.id, frozenset(t.own), centres.get(t.id)) for t in self.themes}


def earlier(bench: Workbench, run_id: str) -> Earlier | None:
    """What the last finished run found; None where none has found themes yet."""
    store = bench.store
    last = store.themes.last(before=run_id)
    if not last:
        return None
    origin, edits, found = store.themes.origin(last) or Origin(), store.themes.edits(), store.themes.found(last)
    here = {segment.id for segment in bench.segments}
    places = store.themes.places(last) if origin.encoder == bench.encoder.id else []
    return Earlier(
        run=store.runs.get(last),
        origin=origin,
        found=tuple(found),
        themes=tuple(apart(found, edits, here.intersection(pinned(edits)))),
        places={place.theme: place for place in places},
        known=frozenset(_known(bench, last, found)),
        edits=tuple(edits),
    )


def _known(bench: Workbench, run_id: str, found: Sequence[Theme]) -> set[str]:
    outliers = {
        s for r in bench.store.themes.layers(run_id) for s in bench.store.runs.get(r).counts.get("outliers", ())
    }
    return outliers | {m.segment_id for theme in found for m in theme.members}


def since(bench: Workbench, before: Earlier) -> Since:
    """What changed that names and mappings rest on."""
    run, prompts = before.run, bench.prompts
    return Since(
        asked=bench.model is not None,
        was_asked=run.settings.get("llm", "none") != "none",
        failed=bool(run.counts.get("themes_failed")),
        naming={prompts[name].digest for name in ("label_theme.v1", "rename_theme.v1")},
        mapping=prompts["map_theme.v1"].digest,
        codebook=run.settings.get("codebook", {}).get("digest") != bench.framework.digest,
    )


def settings_of(bench: Workbench) -> str:
    """Digest of the settings that a clustering depends on."""
    return digest(bench.settings.seed, bench.settings.shortest_themed)


def ids_of(segments: Sequence[str]) -> str:
    """Digest of which segments were grouped."""
    return digest(sorted(segments))


def locked(edits: Sequence[Edit], kind: type) -> set[str]:
    """Themes that people named or mapped: no model is asked about that."""
    return {e.change.theme for e in standing(edits) if isinstance(e.change, kind)}
