"""The books: what came in is carried, rejected or dropped; lineage, reasons, rejects and the proof."""
