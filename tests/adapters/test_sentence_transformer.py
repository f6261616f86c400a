"""The embedded encoder's inner layers, read from the real model."""

from __future__ import annotations

import numpy as np
import pytest

from belonging_llm.adapters import factory
from belonging_llm.adapters.sentence_transformer import SentenceTransformerEncoder
from belonging_llm.embeddings import HasMiddle

pytestmark = pytest.mark.models

TEXTS = (
    "Next time I will prepare the lesson better.",
    "Tomorrow we are going to try another way.",
    "I was afraid and could not sleep.",
    "",
    "She felt sad after the call. " * 120,
)


@pytest.fixture(scope="module")
def encoder() -> SentenceTransformerEncoder:
    found = factory.encoder("local")
    assert isinstance(found, SentenceTransformerEncoder)
    return found


def test_three_layers_stand_side_by_side_as_one_unit_vector(encoder: SentenceTransformerEncoder) -> None:
    assert isinstance(encoder, HasMiddle)
    middle = encoder.middle()
    found = middle.encode(TEXTS)
    assert middle.id == f"{encoder.id}+middle"
    # Six layers: at a third, a half and two thirds stand the second, third and fourth.
    assert middle._depths == (2, 3, 4)
    assert (found.shape, found.dtype) == ((5, 3 * 384), np.float32)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(5), abs=1e-5)
    # Each layer weighs the same.
    assert np.linalg.norm(found[:, :384], axis=1) == pytest.approx(np.full(5, 3**-0.5), abs=1e-5)


def test_they_are_the_models_own_hidden_states(encoder: SentenceTransformerEncoder) -> None:
    """Read the plain way, without stopping early: mean over tokens of the states that the model gives out."""
    import torch

    body, tokenizer = encoder._model[0].auto_model, encoder._model.tokenizer
    with torch.inference_mode():
        states = body(**tokenizer(TEXTS[0], return_tensors="pt"), output_hidden_states=True).hidden_states
    means = [states[depth].float().mean(1)[0].numpy() for depth in (2, 3, 4)]
    plain = np.concatenate([mean / np.linalg.norm(mean) for mean in means]) / np.sqrt(3)
    assert encoder.middle().encode(TEXTS[:1])[0] @ plain == pytest.approx(1, abs=1e-3)


def test_a_text_has_its_vector_wherever_it_stands(encoder: SentenceTransformerEncoder) -> None:
    """Bit by bit: what comes with a text, and how long that is, changes no digit."""
    for one in (encoder, encoder.middle()):
        whole, turned = one.encode(TEXTS), one.encode(TEXTS[::-1])[::-1]
        assert (turned == whole).all()
        assert (np.stack([one.encode([text])[0] for text in TEXTS]) == whole).all()


def test_reading_inner_layers_leaves_the_model_as_it_was(encoder: SentenceTransformerEncoder) -> None:
    layers = encoder._model[0].auto_model.encoder.layer
    before, hooks = encoder.encode(TEXTS[:3]), [len(layer._forward_hooks) for layer in layers]
    encoder.middle().encode(TEXTS[:3])
    assert np.array_equal(encoder.encode(TEXTS[:3]), before)
    assert [len(layer._forward_hooks) for layer in layers] == hooks


def test_no_texts_have_no_vectors(encoder: SentenceTransformerEncoder) -> None:
    assert encoder.middle().encode([]).shape == (0, 1152)


def test_the_hub_is_out_of_reach_only_while_a_model_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    seen: list[bool] = []
    monkeypatch.setattr(
        "sentence_transformers.SentenceTransformer", lambda *_, **__: seen.append(constants.is_offline_mode())
    )
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    found = factory.encoder("local")
    assert isinstance(found, SentenceTransformerEncoder)
    _ = found._model
    assert (seen, constants.is_offline_mode()) == ([True], False)
