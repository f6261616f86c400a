"""Do alarms come when they should, and only then? Simulations in which the truth is known.

Usage: python -m evals.drift [--quick] [--seed N] [--only NAME ...] [--sets FOLDER] [--out FILE]

FOLDER holds data sets of real sentences and interviews, each a folder with `segments.csv` and `codes.csv`: those of
`talk`. Without it these simulations are left out. `--out` keeps figures of other simulations that are in FILE already.

Accepted with one thread of linear algebra (OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1):
a clustering hangs on last digits.

Every rate has its exact 95 % interval (Clopper & Pearson 1934) and, where one was named beforehand, the range wanted of
it.
"""
