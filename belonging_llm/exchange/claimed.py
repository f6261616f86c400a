"""Whose codings no file may add to: people who code in the review application, where every word is a record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from belonging_llm.study import Study


@dataclass(frozen=True)
class Claimed:
    """What belongs to the application.

    Attributes:
        accounts: By the name that they code under, the account of everybody who codes there, closed ones too.
        said: (segment, coder) pairs of which it has a record.
    """

    accounts: Mapping[str, str]
    said: Collection[tuple[str, str]]

    def holds(self, segment_id: str, coder: str) -> bool:
        """Whether a file's coding would mix with what was said there, or keep its coder from saying it."""
        return coder in self.accounts or (segment_id, coder) in self.said

    def why(self, segment_id: str, coder: str) -> str:
        """The same in words, with what to do; empty where nothing is in the way."""
        if coder in self.accounts:
            return (
                f"{coder} codes in the review application (account {self.accounts[coder]}), and codings from a file "
                f"would be taken for what they said there; give the file's coder another name, such as '{coder} (file)'"
            )
        if (segment_id, coder) in self.said:
            return (
                f"the review application has a record of {coder} on segment {segment_id}, which a file cannot change; "
                "change it there, or give the file's coder another name"
            )
        return ""


def claimed(study: Study) -> Claimed:
    """What belongs to the application now."""
    return Claimed(study.store.reviewers.coders(), study.store.judgements.standing())
