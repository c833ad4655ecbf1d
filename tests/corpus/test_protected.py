"""Protected copies of a file read as the plain file does, with the right password and no other."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from idbmigrate.access import open_database
from idbmigrate.errors import SourceError
from tests.corpus import encryptor

PASSWORD = "Grüße 1948"


def everything(path, password=None):
    with open_database(path, password) as database:
        return {name: database.read(name) for name in database.tables}


@pytest.fixture(scope="module")
def plain(root):
    """A small .mdb and .accdb as (content, tables)."""
    found = {}
    for ending in ("mdb", "accdb"):
        path = root / "sample_idb" / f"iapt-1.5.{ending}"
        if not path.is_file():
            pytest.skip("sample_idb has no iapt-1.5 files")
        found[ending] = (path.read_bytes(), everything(path))
    return found


ACE = {
    "agile": lambda content: encryptor.agile(content, PASSWORD),
    "agile-sha1-128": lambda content: encryptor.agile(content, PASSWORD, "sha1", 128),
    "standard": lambda content: encryptor.standard(content, PASSWORD),
    "standard-256": lambda content: encryptor.standard(content, PASSWORD, 256, 10),
    "converted": lambda content: encryptor.standard(content, PASSWORD, 128, 0),
    "rc4-crypto-api": lambda content: encryptor.rc4_crypto_api(content, PASSWORD),
    "rc4-crypto-api-40": lambda content: encryptor.rc4_crypto_api(content, PASSWORD, 40),
    "rc4-binary": lambda content: encryptor.rc4_binary(content, PASSWORD),
}


@pytest.mark.parametrize("kind", [name for name in ACE if name != "standard-256"])
def test_encrypted_ace_file(kind, plain, tmp_path):
    content, tables = plain["accdb"]
    path = tmp_path / "locked.accdb"
    path.write_bytes(ACE[kind](content))
    assert everything(path, PASSWORD) == tables
    refuses(path)


def test_a_verifier_made_for_another_count_of_turns_does_not_open(plain, tmp_path):
    path = tmp_path / "locked.accdb"
    path.write_bytes(ACE["standard-256"](plain["accdb"][0]))
    with pytest.raises(SourceError) as caught:
        everything(path, PASSWORD)
    assert caught.value.code == "wrong-password"


def test_encoded_jet_file_needs_no_password(plain, tmp_path):
    content, tables = plain["mdb"]
    path = tmp_path / "encoded.mdb"
    path.write_bytes(encryptor.jet_encoded(content))
    assert everything(path) == tables


@pytest.mark.skipif(not shutil.which("mdb-count"), reason="mdbtools is not installed")
def test_encoded_jet_file_is_one_for_mdbtools_too(plain, tmp_path):
    content, tables = plain["mdb"]
    path = tmp_path / "encoded.mdb"
    path.write_bytes(encryptor.jet_encoded(content))
    name, table = next(iter(tables.items()))
    count = subprocess.run(["mdb-count", str(path), name], capture_output=True, text=True, check=True)
    assert int(count.stdout) == table.num_rows


def test_jet_database_password(plain, tmp_path):
    content, tables = plain["mdb"]
    path = tmp_path / "locked.mdb"
    path.write_bytes(encryptor.jet_password(content, PASSWORD))
    assert everything(path, PASSWORD) == tables
    refuses(path)


def test_jet_3_password_and_encoding(shared_dir, tmp_path):
    source = shared_dir / "corpus" / "V1997" / "test2V1997.mdb"
    path = tmp_path / "locked.mdb"
    content = encryptor.jet_password(encryptor.jet_encoded(source.read_bytes()), PASSWORD)
    path.write_bytes(content)
    assert everything(path, PASSWORD) == everything(source)
    refuses(path)


def refuses(path):
    """No password, a wrong one and another case of the right one do not open the file, and say so."""
    for password, code in (
        (None, "password-needed"),
        ("", "wrong-password"),
        (PASSWORD.upper(), "wrong-password"),
    ):
        with pytest.raises(SourceError) as caught:
            everything(path, password)
        assert caught.value.code == code
        assert PASSWORD not in str(caught.value) and PASSWORD.upper() not in str(caught.value)


@pytest.mark.parametrize("change", ["cut", "spins", "entities", "cipher"])
def test_hostile_settings_are_a_clear_error(change, plain, tmp_path):
    content = bytearray(encryptor.agile(plain["accdb"][0], PASSWORD, spins=9))
    if change == "cut":
        content[0x299:0x29B] = b"\x40\x00"
    elif change == "spins":
        content = content.replace(b'spinCount="9" blockSize="16"', b'spinCount="9999999999999"')
    elif change == "entities":
        content = content.replace(
            b'<?xml version="1.0" encoding="UTF-8"', b'<!DOCTYPE a [<!ENTITY b "cccccc"'
        )
    else:
        content = content.replace(b"ChainingModeCBC", b"ChainingModeCFB")
    path = tmp_path / "hostile.accdb"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        everything(path, PASSWORD)
    assert caught.value.code == "damaged"


class TestCommandLine:
    """The password comes from the option, the environment or the terminal, and shows nowhere."""

    @pytest.fixture
    def locked(self, plain, tmp_path):
        path = tmp_path / "locked.accdb"
        path.write_bytes(ACE["agile"](plain["accdb"][0]))
        return str(path)

    def inspect(self, words, **how):
        from click.testing import CliRunner

        from idbmigrate.cli.inspect import command

        return CliRunner().invoke(command, words, **how)

    def test_environment(self, locked):
        outcome = self.inspect([locked], env={"IDBMIGRATE_PASSWORD": PASSWORD})
        assert outcome.exit_code == 0
        assert PASSWORD not in outcome.output

    def test_wrong_or_missing(self, locked):
        for words, code in (([locked], "password-needed"), ([locked, "--password", "x"], "wrong-password")):
            outcome = self.inspect(words)
            assert outcome.exit_code == 3
            assert code in outcome.output
