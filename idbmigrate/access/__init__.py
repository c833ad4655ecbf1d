"""The Access file format: bytes to Arrow and back. Knows nothing of health data."""

from idbmigrate.access.read.database import Database, LinkedTable, Problem, open_database

__all__ = ["Database", "LinkedTable", "Problem", "open_database"]
