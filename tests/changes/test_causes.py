"""What went into two runs, held against each other."""

from __future__ import annotations

from typing import Any

from belonging_llm.changes import Cause, causes

INPUTS: dict[str, Any] = {
    "version": "1.0",
    "method": 1,
    "settings": {"seed": 0, "max_words": 60},
    "codebook": {"id": "b", "digest": "c1"},
    "prompts": {"code_segment.v1": "p1", "map_theme.v1": "m1"},
    "llm": "none",
    "embedder": "hashed",
    "lessons": "l1",
    "segments": {"count": 3, "digest": "s1"},
    "versions": {"numpy": "2.0"},
}


def run(**changed: Any) -> dict[str, Any]:
    return INPUTS | changed


def test_the_same_inputs_differ_in_nothing() -> None:
    assert causes(run(), run()) == ()


def test_each_input_is_named_with_both_values() -> None:
    later = run(
        llm="openai:x",
        prompts={"code_segment.v1": "p2", "map_theme.v1": "m1"},
        codebook={"id": "b", "digest": "c2"},
        settings={"seed": 1, "max_words": 60},
        lessons="l2",
        method=2,
        versions={"numpy": "2.0", "torch": "2.1"},
    )
    assert causes(run(), later) == (
        Cause("model", "", "none", "openai:x"),
        Cause("prompt", "code_segment.v1", "p1", "p2"),
        Cause("codebook", "", "c1", "c2"),
        Cause("lessons", "", "l1", "l2"),
        Cause("setting", "seed", "0", "1"),
        Cause("method", "", "1", "2"),
        Cause("package", "torch", "", "2.1"),
    )


def test_a_record_that_lacks_an_input_differs_in_it() -> None:
    old = run()
    bare = {name: value for name, value in old.items() if name != "lessons"}
    assert causes(bare, old) == (Cause("lessons", "", "", "l1"),)
