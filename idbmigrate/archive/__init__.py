"""Many files as one: the catalogue of an archive, its submissions, and what was staged of each."""
