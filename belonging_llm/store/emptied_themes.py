"""What a withdrawal takes out of themes, of what became of them, and of what people changed about them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from belonging_llm.store import schema as s
from belonging_llm.store.theme_places import forget_exemplars
from belonging_llm.store.writing import in_chunks
from belonging_llm.themes.theme import UNNAMED

if TYPE_CHECKING:
    from belonging_llm.store.withdrawals import Leaving

GONE = "(a name that went with somebody who withdrew)"


@dataclass
class EmptiedThemes:
    """One transaction's work on the tables about themes.

    A name goes from theme to theme with its id: a theme that somebody was in loses its name in every run, in those
    before and after as well.
    """

    connection: sa.Connection
    leaving: Leaving
    counts: dict[str, int] = field(default_factory=dict)

    def all(self) -> dict[str, int]:
        """Take it out; returns how much of what."""
        touched = self._touched()
        self._members()
        self._names(touched)
        self.counts["places of themes"] = forget_exemplars(self.connection, self.leaving.segments, touched)
        self._steps(touched)
        self._edits()
        return self.counts

    def _touched(self) -> set[str]:
        """Themes that ever held a segment of theirs."""
        found: set[str] = set()
        for chunk in in_chunks(sorted(self.leaving.segments)):
            for table in (s.theme_member, s.placement):
                query = sa.select(table.c.theme_id).where(table.c.segment_id.in_(chunk)).distinct()
                found.update(self.connection.execute(query).scalars())
        return found

    def _members(self) -> None:
        gone = 0
        for chunk in in_chunks(sorted(self.leaving.segments)):
            for table in (s.theme_member, s.placement):
                gone += self.connection.execute(table.delete().where(table.c.segment_id.in_(chunk))).rowcount
        self.counts["places in themes"] = gone

    def _names(self, touched: set[str]) -> None:
        left, unnamed, ended = self._left(), 0, 0
        for row in self.connection.execute(sa.select(s.theme)).mappings().all():
            if row["id"] not in touched:
                continue
            this = (s.theme.c.run_id == row["run_id"]) & (s.theme.c.id == row["id"])
            if members := left.get((row["run_id"], row["id"])):
                words = " ".join(self.leaving.kept_words.get(i, "") for i in members).casefold()
                changed = json.dumps(self._unnamed(json.loads(row["content"]), words))
                self.connection.execute(s.theme.update().where(this).values(content=changed))
                unnamed += 1
            else:
                self.connection.execute(s.theme.delete().where(this))
                ended += 1
        self.counts |= {"themes that lost their name": unnamed, "themes that ended": ended}

    def _left(self) -> dict[tuple[str, str], list[str]]:
        """Who is still in each run's themes, those that batches put there included."""
        found: dict[tuple[str, str], list[str]] = defaultdict(list)
        m, p = s.theme_member.c, s.placement.c
        based: dict[str, list[str]] = defaultdict(list)
        for run, base in self.connection.execute(sa.select(s.theme_frame.c.run_id, s.theme_frame.c.base)):
            if base:
                based[base].append(run)
        for run, theme, segment in self.connection.execute(sa.select(m.run_id, m.theme_id, m.segment_id)):
            for one in (run, *based[run]):
                found[one, theme].append(segment)
        whole = {run: base for run, base in self.connection.execute(sa.select(s.run.c.id, s.run.c.base_id)) if base}
        for run, theme, segment in self.connection.execute(sa.select(p.run_id, p.theme_id, p.segment_id)):
            found[whole.get(run, run), theme].append(segment)
        return found

    def _unnamed(self, content: dict[str, Any], words: str) -> dict[str, Any]:
        mapping = content.get("mapping", {})
        codes = [code | {"rationale": ""} for code in mapping.get("codes", [])]
        return content | {
            "name": f"Theme {content['ordinal']}",
            "definition": UNNAMED,
            "quotes": [q for q in content.get("quotes", []) if q["segment_id"] not in self.leaving.segments],
            "exemplars": [i for i in content.get("exemplars", []) if i not in self.leaving.segments],
            "terms": [term for term in content.get("terms", []) if term.casefold() in words],
            "mapping": mapping | {"codes": codes},
        }

    def _steps(self, touched: set[str]) -> None:
        """Names that themes had before and after."""
        emptied = 0
        for row in self.connection.execute(sa.select(s.theme_step)).mappings().all():
            content = json.loads(row["content"])
            theirs = touched.intersection((*content["before"], *content["after"]))
            names = [part for part in ("was", "now") if content[part]]
            if names and (theirs or any(self.leaving.concerns(content[part]) for part in names)):
                this = (s.theme_step.c.run_id == row["run_id"]) & (s.theme_step.c.place == row["place"])
                changed = json.dumps(content | dict.fromkeys(names, GONE))
                self.connection.execute(s.theme_step.update().where(this).values(content=changed))
                emptied += 1
        self.counts["former names of themes"] = emptied

    def _edits(self) -> None:
        """People's edits lose segments of theirs, and what is in their words or names them; the edits stay."""
        changed, gone = 0, 0
        for row in self.connection.execute(sa.select(s.theme_edit)).mappings().all():
            fresh = self._edited(row)
            if fresh == dict(row):
                continue
            # The table refuses changes: the row goes and comes again.
            self.connection.execute(s.theme_edit.delete().where(s.theme_edit.c.id == row["id"]))
            if json.loads(fresh["content"]).get("segments") == []:
                gone += 1
            else:
                self.connection.execute(s.theme_edit.insert(), fresh)
                changed += 1
        self.counts |= {
            "edits of themes that quoted, named or moved them": changed,
            "edits that moved them alone": gone,
        }

    def _edited(self, row: Mapping[Any, Any]) -> dict[str, Any]:
        content = json.loads(row["content"])
        if "segments" in content:
            content["segments"] = [i for i in content["segments"] if i not in self.leaving.segments]
        for part, instead in (("name", GONE), ("definition", "")):
            if content.get(part) and self.leaving.concerns(content[part]):
                content[part] = instead
        fresh = dict(row)
        if content != json.loads(row["content"]):
            fresh["content"] = json.dumps(content, ensure_ascii=False)
        for part in ("by", "reason"):
            if self.leaving.concerns(row[part]):
                fresh[part] = ""
        return fresh
