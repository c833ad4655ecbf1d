"""The first page: is this an Access file, which version, is it protected."""

from __future__ import annotations

import struct
from typing import NamedTuple

from idbmigrate.access import format as fmt
from idbmigrate.access.protection.rc4 import rc4
from idbmigrate.errors import SourceError


class Header(NamedTuple):
    """What the first page says, unmasked. ``password`` holds the stored password's bytes, or is empty."""

    product: str
    layout: fmt.Layout
    ace: bool
    code_page: int
    key: int  # of the page cipher; 0 in a file that is not encrypted
    password: bytes

    def __repr__(self) -> str:  # the stored password stays out of tracebacks and logs
        return f"Header({self.product!r})"


def parse_header(page: bytes, file: str) -> Header:
    """Read the first page's settings (``page``: the file's first 4096 bytes, or fewer).

    Raises SourceError ``not-access``, ``unsupported-version`` or ``truncated``.
    """
    if page[:4] != fmt.HEADER_MAGIC or page[4:20] not in fmt.HEADER_NAMES:
        raise SourceError(
            "this is not a Microsoft Access database",
            code="not-access",
            where=file,
            hint="an IDB is an .mdb or .accdb file; unpack a .zip first",
        )
    if len(page) < 2048:
        raise SourceError("the file ends inside its first page", code="truncated", where=file)
    version = page[fmt.HEADER_VERSION_AT]
    if version not in fmt.VERSIONS:
        raise SourceError(
            f"Access file version {version} is not known here",
            code="unsupported-version",
            where=file,
            hint="save the database in the format of Access 2002-2003 or 2007 and later",
        )
    product, layout = fmt.VERSIONS[version]
    if len(page) < layout.page_size:
        raise SourceError("the file ends inside its first page", code="truncated", where=file)
    start, end = fmt.HEADER_MASKED_AT, fmt.HEADER_MASKED_AT + layout.masked_length
    plain = page[:start] + rc4(fmt.HEADER_MASK_KEY, page[start:end]) + page[end:]
    code_page, key = struct.unpack_from("<HI", plain, fmt.HEADER_CODE_PAGE_AT)
    ace = page[4:20] == fmt.HEADER_NAMES[1]
    return Header(product, layout, ace, code_page, key, _stored_password(plain, layout))


def _stored_password(plain: bytes, layout: fmt.Layout) -> bytes:
    """The password field, freed of its second mask: the file's creation date, from Jet 4 on."""
    field = plain[fmt.HEADER_PASSWORD_AT : fmt.HEADER_PASSWORD_AT + layout.password_length]
    if layout is fmt.JET4:
        (created,) = struct.unpack_from("<d", plain, fmt.HEADER_DATE_AT)
        days = int(created) if -(2**31) <= created < 2**31 else 0
        mask = struct.pack("<i", days)
        field = bytes(byte ^ mask[i % 4] for i, byte in enumerate(field))
    return field if any(field) else b""
