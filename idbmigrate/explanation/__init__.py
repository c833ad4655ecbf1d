"""Why a cell of an output is what it is, and what became of a row of the source.

A run is made again from its manifest, its file and its mapping, and must be the same: then lineage leads from
target rows to source rows and back.
"""

from idbmigrate.explanation.explain import explain
from idbmigrate.explanation.model import BookEntry, Cell, Origin, Rule, SourceRow, TargetRow

__all__ = ["BookEntry", "Cell", "Origin", "Rule", "SourceRow", "TargetRow", "explain"]
