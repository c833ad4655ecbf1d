"""Writes Access files: Arrow to pages."""
