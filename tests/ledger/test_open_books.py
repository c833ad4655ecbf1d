"""A mapping that loses something: exit code 5, the place named, nothing published."""

from __future__ import annotations

import json
import subprocess
import sys

MAPPING = """
mapping: forgetful
version: 1.0.0
source: iapt-1.5
target: iapt-2.1
tables:
  IDS001MPI:
    from: Person
    fields: {LocalPatientId: LPTID, OrgIDLocalPatientId: ORGCODEPROVIDER}
    one_per: {key: [LocalPatientId], rule: one, reason: one row a patient}
"""


def test_open_books_publish_nothing(sample_idb, tmp_path):
    (tmp_path / "forgetful.yaml").write_text(MAPPING, encoding="utf-8")
    words = ["convert", str(sample_idb / "iapt-1.5.mdb"), "--to", "iapt-2.1", "--out", str(tmp_path / "out")]
    words += ["--mapping", str(tmp_path / "forgetful.yaml"), "--json"]
    done = subprocess.run([sys.executable, "-m", "idbmigrate", *words], capture_output=True, text=True)
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
    text = done.stderr + done.stdout
    error = json.loads(text[text.index("{") :])
    assert "books-open" in json.dumps(error) and "hint" in json.dumps(error)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["forgetful.yaml"]
