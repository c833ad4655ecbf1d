"""A mapping and its data sets become one query a target table."""
