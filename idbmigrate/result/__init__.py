"""A finished run and its summary."""
