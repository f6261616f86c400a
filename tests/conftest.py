"""Settings for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# Machines are shared and slow at times: an example that takes long is no failure.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")
