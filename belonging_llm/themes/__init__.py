"""Themes: named groups of segments, with evidence, mapped onto the framework."""

from __future__ import annotations

from belonging_llm.themes.label import Labelled, label
from belonging_llm.themes.map import map_themes
from belonging_llm.themes.places import Places, places, places_bytes, places_of
from belonging_llm.themes.theme import MappedCode, Mapping, Quote, Theme, ThemeMember

__all__ = [
    "Labelled",
    "MappedCode",
    "Mapping",
    "Places",
    "Quote",
    "Theme",
    "ThemeMember",
    "label",
    "map_themes",
    "places",
    "places_bytes",
    "places_of",
]
