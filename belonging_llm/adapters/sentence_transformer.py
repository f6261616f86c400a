"""sentence-transformers as an `Encoder`: the only place that imports it and torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from belonging_llm.embeddings import Vectors
from belonging_llm.errors import ModelFileError
from belonging_llm.provenance import file_digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceTransformerEncoder:
    """A sentence-transformers model in a local folder, loaded on first use, hub access off.

    Half-width arithmetic (bfloat16) is used where the processor has it: about three times faster
    here at equal retrieval quality. It is part of the model's id, since the vectors differ a little.
    """

    def __init__(self, folder: Path) -> None:
        """Name the model by its weights' digest.

        Raises:
            ModelFileError: no weights in `folder`.
        """
        self.folder = folder
        weights = next((w for n in _WEIGHTS if (w := folder / n).is_file()), None)
        if weights is None:
            raise ModelFileError(f"{folder}: no sentence-transformers model (none of {', '.join(_WEIGHTS)})")
        self.half = _has_bf16()
        self.id = f"{folder.name}@{file_digest(weights)[:16]}" + ("+bf16" if self.half else "")

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit-length vectors, float32, shape (n_texts, dim); the same for a text whatever stands beside it."""
        if not texts:
            return np.empty((0, 0), np.float32)
        return _in_batches(texts, self._model.tokenizer, self._model.max_seq_length, self._read)

    def _read(self, texts: Sequence[str]) -> Vectors:
        found = self._model.encode(
            list(texts), batch_size=BATCH, convert_to_tensor=True, normalize_embeddings=True, show_progress_bar=False
        )
        # Lengths are off by up to 0.4 % after rounding to bfloat16.
        return _unit(found.float().cpu().numpy())

    def middle(self) -> MiddleLayers:
        """Its inner layers as an encoder of their own."""
        return MiddleLayers(self)

    @cached_property
    def _model(self) -> SentenceTransformer:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        options = {"torch_dtype": torch.bfloat16} if self.half else {}
        with _hub_out_of_reach():
            return SentenceTransformer(str(self.folder), device="cpu", local_files_only=True, model_kwargs=options)


@contextmanager
def _hub_out_of_reach() -> Iterator[None]:
    """The hub's client refuses every request meanwhile; afterwards a pull that somebody asks for works again."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


class MiddleLayers:
    """Mean hidden states at a third, a half and two thirds of a model's depth, side by side.

    Training for likeness of meaning wears away person, tense, questions and tone from the last layers; the middle
    ones still hold them. Layers above the highest one that is read are not computed.
    """

    def __init__(self, whole: SentenceTransformerEncoder) -> None:
        self.id = f"{whole.id}+middle"
        self._whole = whole

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit-length vectors, float32, shape (n_texts, 3 × width)."""
        if not texts:
            return np.empty((0, len(self._depths) * self._body.config.hidden_size), np.float32)
        return _in_batches(texts, self._tokenizer, self._whole._model.max_seq_length, self._read)

    def _read(self, texts: Sequence[str]) -> Vectors:
        import torch

        tokens = self._tokenizer(list(texts), padding=True, truncation=True, return_tensors="pt")
        states: dict[int, Any] = {}
        layers = self._body.encoder.layer
        hooks = [layers[d - 1].register_forward_hook(_keep(states, d)) for d in self._depths]
        hooks.append(layers[max(self._depths) - 1].register_forward_hook(_stop))
        try:
            with torch.inference_mode():
                self._body(**tokens)
        except _Enough:
            pass
        finally:
            for hook in hooks:
                hook.remove()
        mask = tokens["attention_mask"][..., None]
        means = [_unit(((states[d].float() * mask).sum(1) / mask.sum(1)).numpy()) for d in self._depths]
        return np.asarray(np.concatenate(means, axis=1) / np.sqrt(len(means)), dtype=np.float32)

    @cached_property
    def _depths(self) -> tuple[int, ...]:
        layers = len(self._body.encoder.layer)
        return tuple(dict.fromkeys(max(1, round(layers * share)) for share in DEPTHS))

    @property
    def _body(self) -> Any:
        return self._whole._model[0].auto_model

    @property
    def _tokenizer(self) -> Any:
        return self._whole._model.tokenizer


def _in_batches(
    texts: Sequence[str], tokenizer: Any, longest: int | None, read: Callable[[Sequence[str]], Vectors]
) -> Vectors:
    """Texts of equally many tokens together.

    Padding changes the last digits of a text's vector, and groups of texts hang on last digits: a text that came in by
    itself must have the vector that it has among thousands.
    """
    counts = [min(len(ids), longest or len(ids)) for ids in tokenizer(list(texts), truncation=True)["input_ids"]]
    order = sorted(range(len(texts)), key=lambda i: (-counts[i], i))
    found: dict[int, Vectors] = {}
    for _, same in groupby(order, key=counts.__getitem__):
        rows = list(same)
        for start in range(0, len(rows), BATCH):
            batch = rows[start : start + BATCH]
            found.update(zip(batch, read([texts[i] for i in batch]), strict=True))
    return np.stack([found[i] for i in range(len(texts))])


class _Enough(Exception):
    """Everything that is wanted has been computed."""


def _keep(states: dict[int, Any], depth: int) -> Any:
    def hook(_module: object, _inputs: object, output: Any) -> None:
        states[depth] = output[0] if isinstance(output, tuple) else output

    return hook


def _stop(*_: object) -> None:
    raise _Enough


def _unit(rows: Vectors) -> Vectors:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


BATCH = 32
DEPTHS = (1 / 3, 1 / 2, 2 / 3)
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def _has_bf16() -> bool:
    """Whether this processor multiplies bfloat16 natively; elsewhere it is slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
