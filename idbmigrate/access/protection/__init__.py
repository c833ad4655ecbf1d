"""Protected Access files: passwords and encryption."""
