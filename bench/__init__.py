"""Benchmarks against public tools. Not part of the installed package."""
