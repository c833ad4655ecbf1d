"""Engines that run compiled mappings over Arrow tables."""
