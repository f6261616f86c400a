"""`python -m belonging_llm.cli`."""

from belonging_llm.cli import main

main()
