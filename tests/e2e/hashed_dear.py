"""As `hashed`, and the server on this machine passes for a hosted one with a price; loaded by Dask's workers in tests."""

from __future__ import annotations

import hashed  # noqa: F401 - what it changes is wanted
from studies import DEAR

from belonging_llm import prices
from belonging_llm.store import ledger

prices.table = lambda: (DEAR,)
for module in (prices, ledger):
    module.is_loopback = lambda _: False  # type: ignore[attr-defined]
