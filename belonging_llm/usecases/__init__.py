"""What the command line does on a study, one function a command."""

from __future__ import annotations

from belonging_llm.usecases.analysing import Analysed, analyse
from belonging_llm.usecases.flowing import flow_runner
from belonging_llm.usecases.judging import Evaluated, Ran, agreement, evaluate, plan_audit, run_suite
from belonging_llm.usecases.offering import Offer, put_offer
from belonging_llm.usecases.steadying import Steady, stability
from belonging_llm.usecases.telling import Status, egress, status, write_report
from belonging_llm.usecases.withdrawing import withdraw

__all__ = [
    "Analysed",
    "Evaluated",
    "Offer",
    "Ran",
    "Status",
    "Steady",
    "agreement",
    "analyse",
    "egress",
    "evaluate",
    "flow_runner",
    "plan_audit",
    "put_offer",
    "run_suite",
    "stability",
    "status",
    "withdraw",
    "write_report",
]
