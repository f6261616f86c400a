"""What a model's names mean here."""

from __future__ import annotations

from collections.abc import Iterator

from belonging_llm.adapters.name_models import PresidioNames
from belonging_llm.deidentification.kinds import Finding, Kind

_KINDS = {
    "PERSON": Kind.PERSON,
    "LOCATION": Kind.PLACE,
    "ORGANIZATION": Kind.ORGANISATION,
    "PHONE_NUMBER": Kind.PHONE,
    "IBAN_CODE": Kind.NUMBER,
}


class ModelNames:
    """Names by Presidio; labels that say nothing of who somebody is are left out."""

    def __init__(self) -> None:
        """Load nothing yet."""
        self._names = PresidioNames()

    def find(self, text: str) -> Iterator[Finding]:
        """Every stretch that the model takes for a name.

        Raises:
            ModelFileError: the extra `deid` is not installed.
        """
        for entity in self._names.entities(text):
            words = text[entity.start : entity.end]
            if (kind := _KINDS.get(entity.label)) and any(c.isupper() or c.isdigit() for c in words):
                end = entity.end - (2 if words.endswith(("'s", "’s")) else 0)
                yield Finding(entity.start, end, kind, f"model: {entity.label.lower()}")
