"""The documents that people write: strict YAML."""
