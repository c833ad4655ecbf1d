"""Rules over target tables, and what they found."""
