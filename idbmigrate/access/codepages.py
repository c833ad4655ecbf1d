"""Windows code pages: the text of Jet 3 files, and of the passwords of old ones."""

from __future__ import annotations

import codecs


def code_page_codec(code_page: int) -> str:
    """Python's codec of a Windows code page; Windows-1252 where the file names none that we have."""
    for name in (f"cp{code_page}", "cp1252"):
        try:
            return codecs.lookup(name).name
        except LookupError:
            continue
    raise AssertionError("cp1252 is part of Python")


def known_code_page(code_page: int) -> bool:
    """Whether the code page is one that is read as what it is; 0 stands for Windows-1252."""
    return code_page == 0 or code_page_codec(code_page) != "cp1252" or code_page == 1252
