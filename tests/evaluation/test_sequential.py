"""How often tests of every batch may be wrong in a year."""

from __future__ import annotations

import pytest

from belonging_llm.evaluation import Watch


def test_the_level_is_shared_by_the_batches_of_a_year() -> None:
    assert Watch().level == pytest.approx(0.05 / 52)
    assert Watch(0.1, 10).level == pytest.approx(0.01)


@pytest.mark.parametrize(("error", "batches"), [(0, 52), (1, 52), (0.05, 0)])
def test_a_watch_that_makes_no_sense(error: float, batches: int) -> None:
    with pytest.raises(ValueError, match="error lies between"):
        Watch(error, batches)
