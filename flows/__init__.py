"""Prefect flows: the only place that knows Prefect. Tasks are thin; parameters are ids and plain data."""
