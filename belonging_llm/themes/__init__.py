"""Themes: named groups of segments, with evidence, mapped onto the framework; the same ones from run to run."""

from __future__ import annotations

from belonging_llm.themes.arriving import Arrived, arrive, wanted
from belonging_llm.themes.edits import (
    Change,
    Edit,
    Merge,
    Move,
    Remap,
    Rename,
    Restore,
    Retire,
    Split,
    Undo,
    concerned,
)
from belonging_llm.themes.label import Labelled, label
from belonging_llm.themes.lineage import Fate, Overlap, Step
from belonging_llm.themes.map import map_themes
from belonging_llm.themes.placing import Place, Placement, fitting, locate, place
from belonging_llm.themes.replay import Replayed, Unmet, replay
from belonging_llm.themes.theme import MappedCode, Mapping, Quote, Theme, ThemeMember, theme_id

__all__ = [
    "Arrived",
    "Change",
    "Edit",
    "Fate",
    "Labelled",
    "MappedCode",
    "Mapping",
    "Merge",
    "Move",
    "Overlap",
    "Place",
    "Placement",
    "Quote",
    "Remap",
    "Rename",
    "Replayed",
    "Restore",
    "Retire",
    "Split",
    "Step",
    "Theme",
    "ThemeMember",
    "Undo",
    "Unmet",
    "arrive",
    "concerned",
    "fitting",
    "label",
    "locate",
    "map_themes",
    "place",
    "replay",
    "theme_id",
    "wanted",
]
