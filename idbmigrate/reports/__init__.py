"""Reports of a run, made from one JSON document."""
