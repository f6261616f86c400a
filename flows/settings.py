"""Prefect as this project wants it: quiet, private, its records beside the study.

Import this before Prefect: it reads its settings from the environment once.
"""

from __future__ import annotations

import os
from pathlib import Path


def use_prefect_quietly(home: Path) -> None:
    """Point Prefect at `home` and switch off whatever reports to anyone; the user's own settings win."""
    wanted = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_SERVER_LEVEL": "CRITICAL",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    }
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    home.mkdir(parents=True, exist_ok=True)
