"""The books: nothing is lost in silence, and everything left behind says why and where it lay."""
