"""Source tables as the plan sees them: every value text, every row with its place."""
