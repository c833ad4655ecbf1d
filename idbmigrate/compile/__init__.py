"""Mapping and data sets become one SQL query a target table: sqlglot expressions, never glued text."""
