"""Reporting months: which rows belong to a month, and one package a month."""
