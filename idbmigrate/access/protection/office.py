"""Encrypted ACE files: Office document encryption (MS-OFFCRYPTO), page by page.

The settings stand on the first page: a length, a version, and what that version needs. Agile (4.4) is
what Access 2010 and later write, standard (3.2 or 4.2, AES) and RC4 CryptoAPI (2.2 to 4.2) older ones,
RC4 (1.1) the oldest. In all of them the block number of the published rules is replaced by the file's
key XOR the page number. Section numbers below are those of the published rules.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from idbmigrate.access.protection.base import PageCipher, malformed, page_keys, read_u32, wrong
from idbmigrate.access.protection.rc4 import rc4, rc4_pages
from idbmigrate.errors import SourceError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_SETTINGS_AT = 0x299
_MAX_PASSWORD = 255
_FLAG_CRYPTO_API, _FLAG_AES = 0x04, 0x20
_ALGORITHM_RC4, _AES_KEY_BITS = 0x6801, {0x660E: 128, 0x660F: 192, 0x6610: 256}
_STANDARD_SPINS = 50_000
_MAX_SPINS = 10_000_000  # the published limit
_HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
# 2.3.4.13: what is hashed in for the verifier's input, its hash, and the key itself.
_BLOCK_INPUT, _BLOCK_HASH, _BLOCK_KEY = (
    bytes.fromhex(text) for text in ("fea7d2763b4b9e79", "d7aa0f6d3061344e", "146e0be7abacd0d6")
)


def open_office_cipher(key: int, first_page: bytes, password: str, file: str) -> PageCipher:
    """The page cipher of an encrypted ACE file, for the right password; see :func:`.cipher.make_cipher`."""
    (length,) = struct.unpack_from("<H", first_page, _SETTINGS_AT)
    settings = first_page[_SETTINGS_AT + 2 : _SETTINGS_AT + 2 + length]
    if len(settings) < 8:
        raise malformed(file, "are cut off")
    major, minor = struct.unpack_from("<HH", settings)
    secret = password[:_MAX_PASSWORD].encode("utf-16-le", "surrogatepass")
    if (major, minor) == (4, 4):
        return _AgileCipher(key, _agile_settings(settings[8:], file), secret, file)
    if (major, minor) == (1, 1):
        return _BinaryRc4Cipher(key, settings[4:], secret, file)
    if minor == 2 and major in (2, 3, 4):
        found = _CryptoApi.parse(settings, file)
        if found.flags & _FLAG_CRYPTO_API:
            if found.algorithm in _AES_KEY_BITS:
                # AES without its flag is what files converted from older versions have: no spinning
                spins = _STANDARD_SPINS if found.flags & _FLAG_AES else 0
                return _StandardCipher(key, found, secret, spins, file)
            return _CryptoApiRc4Cipher(key, found, secret, file)
    raise SourceError(
        f"encryption of kind {major}.{minor} is not known here", code="unsupported-version", where=file
    )


def _hash(name: str, *parts: bytes) -> bytes:
    return hashlib.new(name, b"".join(parts), usedforsecurity=False).digest()


def _spin(name: str, start: bytes, count: int) -> bytes:
    digest, pack = start, struct.Struct("<I").pack
    new = getattr(hashlib, name)
    for turn in range(count):
        digest = new(pack(turn) + digest).digest()
    return digest


def _fit(data: bytes, length: int) -> bytes:
    """Cut to the length, or fill up with 0x36 (2.3.4.11)."""
    return data[:length].ljust(length, b"\x36")


def _aes(mode: str, key: bytes, iv: bytes, data: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    chaining = modes.CBC(iv) if mode == "CBC" else modes.ECB()
    decryptor = Cipher(algorithms.AES(key), chaining).decryptor()
    return decryptor.update(data) + decryptor.finalize()


@dataclass(frozen=True, repr=False)
class _Agile:
    """The settings of agile encryption, 2.3.4.10: of the pages, and of the password."""

    salt: bytes
    hash: str
    key_length: int
    block: int
    password_salt: bytes
    password_hash: str
    password_key_length: int
    spins: int
    verifier_input: bytes
    verifier_hash: bytes
    key: bytes


def _agile_settings(xml: bytes, file: str) -> _Agile:
    from xml.etree import ElementTree

    if b"<!" in xml:  # no document type, so no entities
        raise malformed(file, "hold something that does not belong there")
    try:
        root = ElementTree.fromstring(xml.rstrip(b"\0"))
        pages = next(e for e in root.iter() if e.tag.endswith("}keyData"))
        password = next(e for e in root.iter() if e.tag.endswith("}encryptedKey"))
        for element in (pages, password):
            if (element.attrib["cipherAlgorithm"], element.attrib["cipherChaining"]) != (
                "AES",
                "ChainingModeCBC",
            ):
                raise malformed(file, "name a cipher that is not known here")
        found = _Agile(
            salt=_base64(pages, "saltValue"),
            hash=_HASHES[pages.attrib["hashAlgorithm"].replace("-", "")],
            key_length=int(pages.attrib["keyBits"]) // 8,
            block=int(pages.attrib["blockSize"]),
            password_salt=_base64(password, "saltValue"),
            password_hash=_HASHES[password.attrib["hashAlgorithm"].replace("-", "")],
            password_key_length=int(password.attrib["keyBits"]) // 8,
            spins=int(password.attrib["spinCount"]),
            verifier_input=_base64(password, "encryptedVerifierHashInput"),
            verifier_hash=_base64(password, "encryptedVerifierHashValue"),
            key=_base64(password, "encryptedKeyValue"),
        )
    except (ElementTree.ParseError, StopIteration, KeyError, ValueError, binascii.Error):
        raise malformed(file, "cannot be understood") from None
    sizes = (16, 24, 32)
    blocks = (found.verifier_input, found.verifier_hash, found.key)
    if (
        found.key_length not in sizes
        or found.password_key_length not in sizes
        or found.block != 16
        or len(found.password_salt) != 16
        or not 0 <= found.spins <= _MAX_SPINS
        or any(not block or len(block) % 16 for block in blocks)
    ):
        raise malformed(file, "contradict each other")
    return found


def _base64(element: Element, name: str) -> bytes:
    return base64.b64decode(element.attrib[name], validate=True)


class _AgileCipher:
    """AES-CBC with one key; a page's initial vector is a hash of the salt and the page (2.3.4.12)."""

    def __init__(self, key: int, settings: _Agile, secret: bytes, file: str):
        self._key, self._settings = key, settings
        name = settings.password_hash
        spun = _spin(name, _hash(name, settings.password_salt, secret), settings.spins)

        def open_block(block: bytes, data: bytes) -> bytes:
            block_key = _fit(_hash(name, spun, block), settings.password_key_length)
            return _aes("CBC", block_key, settings.password_salt, data)

        digest = _hash(name, open_block(_BLOCK_INPUT, settings.verifier_input))
        stored = open_block(_BLOCK_HASH, settings.verifier_hash)[: len(digest)]
        if not hmac.compare_digest(digest, stored):
            raise wrong(file)
        self._page_key = open_block(_BLOCK_KEY, settings.key)[: settings.key_length]

    def decrypt(self, numbers: np.ndarray, pages: np.ndarray) -> np.ndarray:
        settings = self._settings
        plain = []
        for block, page in zip(page_keys(self._key, numbers), pages):
            vector = _fit(_hash(settings.hash, settings.salt, block.tobytes()), settings.block)
            plain.append(_aes("CBC", self._page_key, vector, page.tobytes()))
        return np.frombuffer(b"".join(plain), np.uint8).reshape(pages.shape)


@dataclass(frozen=True, repr=False)
class _CryptoApi:
    """EncryptionHeader and EncryptionVerifier, 2.3.2 and 2.3.3."""

    flags: int
    algorithm: int
    key_length: int
    salt: bytes
    verifier: bytes
    hash_size: int
    verifier_hash: bytes

    @staticmethod
    def parse(settings: bytes, file: str) -> _CryptoApi:
        size = read_u32(settings, 8, file)
        flags, algorithm, bits = (read_u32(settings, at, file) for at in (12, 20, 28))
        if algorithm == 0:
            algorithm = 0x660E if flags & _FLAG_AES else _ALGORITHM_RC4
        if algorithm not in (_ALGORITHM_RC4, *_AES_KEY_BITS):
            raise malformed(file, "name a cipher that is not known here")
        if bits == 0:
            bits = _AES_KEY_BITS.get(algorithm) or _default_rc4_bits(settings[44 : 12 + size])
        if bits % 8 or not 40 <= bits <= 512 or _AES_KEY_BITS.get(algorithm, bits) != bits:
            raise malformed(file, "contradict each other")
        at = 12 + size
        if read_u32(settings, at, file) != 16:
            raise malformed(file, "contradict each other")
        hash_length = 20 if algorithm == _ALGORITHM_RC4 else 32
        if len(settings) < at + 40 + hash_length:
            raise malformed(file, "are cut off")
        return _CryptoApi(
            flags=flags,
            algorithm=algorithm,
            key_length=bits // 8,
            salt=settings[at + 4 : at + 20],
            verifier=settings[at + 20 : at + 36],
            hash_size=min(read_u32(settings, at + 36, file), 20),
            verifier_hash=settings[at + 40 : at + 40 + hash_length],
        )


def _default_rc4_bits(provider: bytes) -> int:
    """The key length that the named Windows provider uses if the file says 0."""
    name = provider.decode("utf-16-le", "replace").split("\0")[0].strip().lower()
    return 40 if not name or " base " in name else 128


class _StandardCipher:
    """AES-ECB with a key for each page, 2.3.4.7."""

    def __init__(self, key: int, settings: _CryptoApi, secret: bytes, spins: int, file: str):
        self._key, self._length = key, settings.key_length
        self._spun = _spin("sha1", _hash("sha1", settings.salt, secret), spins)
        page_key = self._page_key(bytes(4))
        digest = _hash("sha1", _aes("ECB", page_key, b"", settings.verifier))[: settings.hash_size]
        stored = _aes("ECB", page_key, b"", settings.verifier_hash)[: settings.hash_size]
        if not digest or not hmac.compare_digest(digest, stored):
            raise wrong(file)

    def _page_key(self, block: bytes) -> bytes:
        digest = _hash("sha1", self._spun, block)
        halves = (
            bytes(b ^ code for b in digest) + bytes([code]) * (64 - len(digest)) for code in (0x36, 0x5C)
        )
        return b"".join(_hash("sha1", half) for half in halves)[: self._length]

    def decrypt(self, numbers: np.ndarray, pages: np.ndarray) -> np.ndarray:
        keys = page_keys(self._key, numbers)
        plain = [_aes("ECB", self._page_key(k.tobytes()), b"", p.tobytes()) for k, p in zip(keys, pages)]
        return np.frombuffer(b"".join(plain), np.uint8).reshape(pages.shape)


class _Rc4Cipher:
    """RC4 with a key for each page: a hash of what the password gave and the page."""

    hash_name = "sha1"

    def __init__(
        self, key: int, base: bytes, verifier: bytes, verifier_hash: bytes, hash_size: int, file: str
    ):
        self._key, self._base = key, base
        plain = rc4(self._page_key(bytes(4)), verifier + verifier_hash)
        digest = _hash(self.hash_name, plain[:16])[:hash_size]
        if not digest or not hmac.compare_digest(digest, plain[16 : 16 + hash_size]):
            raise wrong(file)

    def _page_key(self, block: bytes) -> bytes:
        return _hash(self.hash_name, self._base, block)[:16]

    def decrypt(self, numbers: np.ndarray, pages: np.ndarray) -> np.ndarray:
        blocks = page_keys(self._key, numbers)
        keys = np.frombuffer(b"".join(self._page_key(block.tobytes()) for block in blocks), np.uint8)
        return rc4_pages(keys.reshape(len(numbers), -1), pages)


class _CryptoApiRc4Cipher(_Rc4Cipher):
    """2.3.5.2: SHA-1; a key of 40 bits is filled up with zeros to 128."""

    def __init__(self, key: int, settings: _CryptoApi, secret: bytes, file: str):
        self._length = settings.key_length
        base = _hash("sha1", settings.salt, secret)
        super().__init__(key, base, settings.verifier, settings.verifier_hash, settings.hash_size, file)

    def _page_key(self, block: bytes) -> bytes:
        digest = _hash("sha1", self._base, block)[: self._length]
        return digest.ljust(16, b"\0") if self._length == 5 else digest


class _BinaryRc4Cipher(_Rc4Cipher):
    """2.3.6.2: MD5 of sixteen times five bytes of the password's hash and the salt."""

    hash_name = "md5"

    def __init__(self, key: int, settings: bytes, secret: bytes, file: str):
        if len(settings) < 48:
            raise malformed(file, "are cut off")
        once = _hash("md5", secret)[:5] + settings[:16]
        base = _hash("md5", once * 16)[:5]
        super().__init__(key, base, settings[16:32], settings[32:48], 16, file)
