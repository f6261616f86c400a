"""Settings for every test."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# Machines are shared and slow at times: an example that takes long is no failure.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: where files are shared out among processes, none is left with a long one at last."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
