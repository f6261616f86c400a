"""Somebody withdraws: take out of a study what is theirs, and certify what was done and what could not be."""

from belonging_llm.withdrawal.certificate import Certificate, lines
from belonging_llm.withdrawal.traces import Traces, demand, traces
from belonging_llm.withdrawal.withdrawing import withdraw

__all__ = ["Certificate", "Traces", "demand", "lines", "traces", "withdraw"]
