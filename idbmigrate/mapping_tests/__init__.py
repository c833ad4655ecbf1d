"""Runs the tests that stand inside mapping files, on every engine, and mutants of the mapping."""
