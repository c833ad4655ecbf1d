"""Reads Access files: pages to Arrow."""
