"""Two outputs of one data set side by side: rows that only one has, values that differ, and why.

Rows are told apart by the keys of the data set, never by their order.
"""

from idbmigrate.comparison.compare import compare
from idbmigrate.comparison.model import ColumnDifference, Comparison, Difference, TableComparison

__all__ = ["ColumnDifference", "Comparison", "Difference", "TableComparison", "compare"]
