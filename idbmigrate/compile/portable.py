"""Holds compiled queries to what every engine means alike.

sqlglot translates what it knows and passes the rest on untouched, without a word. So the nodes that a
query may be made of are listed here; anything else is refused before a row moves.
"""

from __future__ import annotations

from sqlglot import exp

from idbmigrate.errors import DescriptionError
from idbmigrate.mapping.model import Place

#: Dialects that compiled queries are written for. A test generates all of them.
DIALECTS = ("duckdb", "sqlite", "spark", "postgres")

ALLOWED = frozenset(
    {
        exp.Select,
        exp.Union,
        exp.Subquery,
        exp.With,
        exp.CTE,
        exp.From,
        exp.Join,
        exp.Where,
        exp.Group,
        exp.Having,
        exp.Order,
        exp.Ordered,
        exp.Table,
        exp.TableAlias,
        exp.Alias,
        exp.Column,
        exp.Identifier,
        exp.Literal,
        exp.Null,
        exp.Boolean,
        exp.Star,
        exp.Paren,
        exp.Case,
        exp.If,
        exp.And,
        exp.Or,
        exp.Not,
        exp.Is,
        exp.EQ,
        exp.GT,
        exp.GTE,
        exp.LT,
        exp.LTE,
        exp.In,
        exp.Coalesce,
        exp.Concat,
        exp.DPipe,
        exp.Length,
        exp.Substring,
        exp.Upper,
        exp.Replace,
        exp.RegexpLike,
        exp.SHA2,
        exp.RowNumber,
        exp.Count,
        exp.Window,
        exp.Min,
        exp.Max,
        exp.Add,
        exp.Sub,
        exp.Mul,
        exp.Mod,
        exp.Trim,
        exp.StrPosition,
    }
)


def check(query: exp.Expr, place: Place | None = None) -> None:
    """Refuse a query with a node outside the list (``mapping-inexpressible``)."""
    for node in query.walk():
        if type(node) not in ALLOWED:
            raise DescriptionError(
                f"a query with {type(node).__name__} cannot be run alike on every engine",
                code="mapping-inexpressible",
                where=place,
            )
