"""Runs a plan on an engine: order, workers, temporary relations."""
