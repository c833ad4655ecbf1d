"""The Access file format: bytes to Arrow and back. Knows nothing of health data."""
