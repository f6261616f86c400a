"""Evaluation suites as data: how well coding agrees with people on a data set, beside an accepted result.

A suite is a YAML file that names tables, splits and what is varied. Results lie beside the suite, so that
a change of prompt or method shows as a reviewable diff.
"""

from belonging_llm.suites.means import Means, most
from belonging_llm.suites.measure import run
from belonging_llm.suites.result import below, differences, write_result
from belonging_llm.suites.suite import Suite, read_data, read_suite

__all__ = ["Means", "Suite", "below", "differences", "most", "read_data", "read_suite", "run", "write_result"]
