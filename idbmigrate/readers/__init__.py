"""One face over every reader of Access files."""
