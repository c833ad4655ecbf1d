"""Whole files, and what they become: a change of any byte of any output shows here."""
