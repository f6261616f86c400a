"""Gamma: the published example where the optional package is installed, and a plain reason where it is not."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

from belonging_llm.evaluation import CodedSpan
from belonging_llm.evaluation.gamma import NOT_HERE, gamma

PLACE = Path(__file__).parents[3] / "shared" / "stats" / "worked_examples.json"
INSTALLED = importlib.util.find_spec("pygamma_agreement") is not None


def span(coder: str, code: str, start: int, end: int, document: str = "d") -> CodedSpan:
    return CodedSpan(document, coder, code, start, end)


def test_one_coder_has_no_gamma() -> None:
    assert gamma([span("A", "x", 0, 5)]).reason == "gamma needs the units of two coders"


def test_documents_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="one document"):
        gamma([span("A", "x", 0, 5), span("B", "x", 0, 5, "e")])


@pytest.mark.skipif(INSTALLED, reason="the optional package is installed")
def test_without_the_package_the_reason_says_what_to_install() -> None:
    assert gamma([span("A", "x", 0, 5), span("B", "x", 0, 5)]).reason == NOT_HERE


@pytest.mark.skipif(not (INSTALLED and PLACE.is_file()), reason="needs the optional package and the examples")
@pytest.mark.filterwarnings("ignore")
def test_the_published_example() -> None:
    examples = {e["id"]: e for e in json.loads(PLACE.read_text(encoding="utf-8"))["examples"]}
    example = examples["gamma_alexpaulsuzan"]
    units = example["inputs"]["units_annotator_label_start_end"]
    found = gamma([span(coder, label, start, end) for coder, label, start, end in units]).value
    low, high = example["expected"]["gamma_range"]
    assert found is not None
    assert low - example["tolerance"] <= found <= high + example["tolerance"]
