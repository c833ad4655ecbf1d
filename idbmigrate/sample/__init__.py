"""Synthetic legacy databases: real Access files about patients who do not exist."""

from idbmigrate.sample.twin import write_twin
from idbmigrate.sample.write import Sample, write_sample

__all__ = ["Sample", "write_sample", "write_twin"]
