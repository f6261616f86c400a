"""The whole `belonging` command with Prefect, its encoder replaced by hashed words so that torch is not loaded."""

from __future__ import annotations

from belonging_llm.adapters import factory
from belonging_llm.adapters.fakes import HashEncoder
from belonging_llm.cli import main

if __name__ == "__main__":
    factory.encoder = lambda _: HashEncoder()
    main()
