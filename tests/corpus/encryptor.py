"""Protected copies of plain Access files, made from the published rules and not with the reader's code.

Only for tests: salts and keys are fixed. RC4 is written out anew, byte by byte.
"""

from __future__ import annotations

import base64
import hashlib
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY = 0x1B2C3D4E
SALT = bytes(range(16))
PAGE_SALT = bytes(range(100, 116))
VERIFIER = bytes(range(50, 66))


def rc4(key: bytes, data: bytes) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out, i, j = [], 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


def _aes(key: bytes, mode, data: bytes) -> bytes:
    encryptor = Cipher(algorithms.AES(key), mode).encryptor()
    return encryptor.update(data) + encryptor.finalize()


class _Header:
    """The first page with its mask taken off; put on again by :meth:`page`."""

    def __init__(self, content: bytes):
        self.jet3 = content[0x14] == 0
        self.page_size = 2048 if self.jet3 else 4096
        self._length = 126 if self.jet3 else 128
        self._page = bytearray(content[: self.page_size])
        self.plain = bytearray(self._masked(self._page[0x18 : 0x18 + self._length]))

    @staticmethod
    def _masked(data: bytes) -> bytes:
        return rc4(struct.pack("<I", 0x6B39DAC7), bytes(data))

    def put(self, at: int, data: bytes) -> None:
        if at < 0x18 + self._length:
            self.plain[at - 0x18 : at - 0x18 + len(data)] = data
        else:
            self._page[at : at + len(data)] = data

    def get(self, at: int, length: int) -> bytes:
        return bytes(self.plain[at - 0x18 : at - 0x18 + length])

    def page(self) -> bytes:
        self._page[0x18 : 0x18 + self._length] = self._masked(self.plain)
        return bytes(self._page)


def _rebuild(content: bytes, header: _Header, encrypt) -> bytes:
    size = header.page_size
    pages = [header.page()]
    for number in range(1, len(content) // size):
        pages.append(encrypt(number, content[number * size : (number + 1) * size]))
    return b"".join(pages)


def jet_encoded(content: bytes) -> bytes:
    """A Jet file whose pages are encrypted with a key that stands in the file."""
    header = _Header(content)
    header.put(0x3E, struct.pack("<I", KEY))
    return _rebuild(content, header, lambda number, page: rc4(struct.pack("<I", KEY ^ number), page))


def jet_password(content: bytes, password: str) -> bytes:
    """A Jet file with a database password, which leaves its pages plain."""
    header = _Header(content)
    if header.jet3:
        field = password.encode("cp1252").ljust(20, b"\0")
    else:
        (created,) = struct.unpack("<d", header.get(0x72, 8))
        mask = struct.pack("<i", int(created))
        field = password.encode("utf-16-le").ljust(40, b"\0")
        field = bytes(b ^ mask[i % 4] for i, b in enumerate(field))
    header.put(0x42, field)
    return _rebuild(content, header, lambda number, page: page)


def _with_settings(content: bytes, settings: bytes, encrypt) -> bytes:
    header = _Header(content)
    header.put(0x3E, struct.pack("<I", KEY))
    header.put(0x299, struct.pack("<H", len(settings)) + settings)
    return _rebuild(content, header, encrypt)


def _block(number: int) -> bytes:
    return struct.pack("<I", KEY ^ number)


def agile(
    content: bytes, password: str, hash_name: str = "sha512", bits: int = 256, spins: int = 1000
) -> bytes:
    """Agile encryption: AES-CBC, as Access 2010 and later write it."""

    def digest(data: bytes) -> bytes:
        return hashlib.new(hash_name, data).digest()

    spun = digest(SALT + password.encode("utf-16-le"))
    for turn in range(spins):
        spun = digest(struct.pack("<I", turn) + spun)

    def sealed(block: str, data: bytes) -> str:
        key = (digest(spun + bytes.fromhex(block)) + b"\x36" * 64)[: bits // 8]
        data += b"\0" * (-len(data) % 16)
        return base64.b64encode(_aes(key, modes.CBC(SALT), data)).decode()

    page_key = hashlib.sha256(b"the page key").digest()[: bits // 8]
    name = {"sha1": "SHA1", "sha512": "SHA512", "sha256": "SHA256"}[hash_name]
    size = len(digest(b""))
    common = (
        f'blockSize="16" keyBits="{bits}" hashSize="{size}" cipherAlgorithm="AES" '
        f'cipherChaining="ChainingModeCBC" hashAlgorithm="{name}" saltSize="16"'
    )
    xml = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
        '<encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" '
        'xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password">'
        f'<keyData {common} saltValue="{base64.b64encode(PAGE_SALT).decode()}"/>'
        '<keyEncryptors><keyEncryptor uri="http://schemas.microsoft.com/office/2006/keyEncryptor/password">'
        f'<p:encryptedKey spinCount="{spins}" {common} saltValue="{base64.b64encode(SALT).decode()}" '
        f'encryptedVerifierHashInput="{sealed("fea7d2763b4b9e79", VERIFIER)}" '
        f'encryptedVerifierHashValue="{sealed("d7aa0f6d3061344e", digest(VERIFIER))}" '
        f'encryptedKeyValue="{sealed("146e0be7abacd0d6", page_key)}"/>'
        "</keyEncryptor></keyEncryptors></encryption>"
    )

    def encrypt(number: int, page: bytes) -> bytes:
        vector = digest(PAGE_SALT + _block(number))[:16]
        return _aes(page_key, modes.CBC(vector), page)

    return _with_settings(content, struct.pack("<HHI", 4, 4, 0x40) + xml.encode(), encrypt)


def _crypto_api(
    major: int, flags: int, algorithm: int, bits: int, verifier: bytes, sealed_hash: bytes
) -> bytes:
    provider = "Microsoft Enhanced RSA and AES Cryptographic Provider\0".encode("utf-16-le")
    header = struct.pack("<8I", flags, 0, algorithm, 0x8004, bits, 24, 0, 0) + provider
    start = struct.pack("<HHII", major, 2, flags, len(header))
    return start + header + struct.pack("<I", 16) + SALT + verifier + struct.pack("<I", 20) + sealed_hash


def standard(content: bytes, password: str, bits: int = 128, spins: int = 50000) -> bytes:
    """Standard encryption: AES-ECB with a key for each page. ``spins`` 0: as in converted files."""
    spun = hashlib.sha1(SALT + password.encode("utf-16-le")).digest()
    for turn in range(spins):
        spun = hashlib.sha1(struct.pack("<I", turn) + spun).digest()

    def key(block: bytes) -> bytes:
        final = hashlib.sha1(spun + block).digest().ljust(64, b"\0")
        inner = hashlib.sha1(bytes(b ^ 0x36 for b in final)).digest()
        outer = hashlib.sha1(bytes(b ^ 0x5C for b in final)).digest()
        return (inner + outer)[: bits // 8]

    sealed = _aes(key(bytes(4)), modes.ECB(), VERIFIER)
    sealed_hash = _aes(key(bytes(4)), modes.ECB(), hashlib.sha1(VERIFIER).digest().ljust(32, b"\0"))
    flags = 0x24 if spins else 0x04
    algorithm = {128: 0x660E, 192: 0x660F, 256: 0x6610}[bits]
    settings = _crypto_api(3, flags, algorithm, bits, sealed, sealed_hash)
    return _with_settings(content, settings, lambda n, page: _aes(key(_block(n)), modes.ECB(), page))


def rc4_crypto_api(content: bytes, password: str, bits: int = 128) -> bytes:
    """RC4 CryptoAPI encryption, as Access 2007 could be told to use."""
    base = hashlib.sha1(SALT + password.encode("utf-16-le")).digest()

    def key(block: bytes) -> bytes:
        found = hashlib.sha1(base + block).digest()[: bits // 8]
        return found + bytes(11) if bits == 40 else found

    sealed = rc4(key(bytes(4)), VERIFIER + hashlib.sha1(VERIFIER).digest())
    settings = _crypto_api(2, 0x04, 0x6801, bits, sealed[:16], sealed[16:])
    return _with_settings(content, settings, lambda n, page: rc4(key(_block(n)), page))


def rc4_binary(content: bytes, password: str) -> bytes:
    """The oldest Office encryption: RC4 with MD5."""
    once = hashlib.md5(password.encode("utf-16-le")).digest()[:5] + SALT
    base = hashlib.md5(once * 16).digest()[:5]

    def key(block: bytes) -> bytes:
        return hashlib.md5(base + block).digest()

    sealed = rc4(key(bytes(4)), VERIFIER + hashlib.md5(VERIFIER).digest())
    settings = struct.pack("<HH", 1, 1) + SALT + sealed
    return _with_settings(content, settings, lambda n, page: rc4(key(_block(n)), page))
