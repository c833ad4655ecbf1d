"""Synthetic legacy databases."""
