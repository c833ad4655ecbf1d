"""Every mapping on the sample of its source: the books close, and the XML keeps to the target's schema."""

from __future__ import annotations

import pytest
from lxml import etree

import idbmigrate
from idbmigrate.mapping.load import list_mappings


@pytest.mark.parametrize("name", list_mappings())
def test_sample_converts_and_its_xml_is_valid(name, sample_idb, tmp_path):
    source, target = name.split("-to-")
    run = idbmigrate.convert(
        sample_idb / f"{source}.mdb", to=target, out=tmp_path / "out", formats=["csv", "xml"], source=source
    )
    assert run.mapping.name == name
    assert any(table.num_rows > 1 for table in run.tables.values())
    assert all(line["in"] == line["carried"] + line["rejected"] + line["dropped"] for line in run.ledger)
    folder = tmp_path / "out" / "xml"
    schema = etree.XMLSchema(etree.parse(folder / f"{target}.xsd"))
    document = etree.parse(folder / f"{target}.xml")
    assert schema.validate(document), list(schema.error_log)[:5]
    assert len(document.getroot()) == sum(table.num_rows for table in run.tables.values())
