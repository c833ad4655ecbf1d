"""Target tables without what identifies: pseudonyms by a key, coarser dates and places."""

from idbmigrate.pseudonyms.key import Key, load_key
from idbmigrate.pseudonyms.tables import LeftOut, provider_of, pseudonymised

__all__ = ["Key", "LeftOut", "load_key", "provider_of", "pseudonymised"]
