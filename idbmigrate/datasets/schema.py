"""XML and JSON schemas of a data set, made from its pack.

They describe this project's own output, in a namespace of its own. No inbound XML schema is published
for any of these data sets, and the XSD says so in its first lines. Code lists are not part of them: a
value outside its list is a finding of the rules, with a severity, and no fault of the document.
"""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from idbmigrate.datasets.model import ColumnSpec, Dataset, Format, TableSpec

_XS = "http://www.w3.org/2001/XMLSchema"

_COMMENT = """ {name}: {title}.
     No inbound XML schema is published for this data set. This schema is idbmigrate's own: it is made
     from the project's description of the data set and is no submission format of any authority. """


def table_order(dataset: Dataset) -> list[TableSpec]:
    """Tables as documents have them: the header first, then the data set's order."""
    return sorted(dataset.tables.values(), key=lambda table: not table.is_header)


def namespace(dataset: Dataset) -> str:
    """XML namespace of the data set's documents."""
    return f"urn:idbmigrate:{dataset.name}"


def xsd(dataset: Dataset) -> bytes:
    """XML schema of a data set, UTF-8.

    The root ``DataSet`` holds one element a row, named as its table, tables in order; a row holds one
    element a value, named as its column, columns in order, missing values left out.
    """
    root = ElementTree.Element(
        "xs:schema",
        {
            "xmlns:xs": _XS,
            "xmlns": namespace(dataset),
            "targetNamespace": namespace(dataset),
            "elementFormDefault": "qualified",
            "version": dataset.version,
        },
    )
    root.append(ElementTree.Comment(_COMMENT.format(name=dataset.name, title=dataset.title)))
    types: dict[Format, str] = {}
    rows = _sequence(ElementTree.SubElement(root, "xs:element", name="DataSet"))
    for table in table_order(dataset):
        occurs = {} if table.is_header else {"minOccurs": "0", "maxOccurs": "unbounded"}
        row = ElementTree.SubElement(rows, "xs:element", {"name": table.name, **occurs})
        values = _sequence(row)
        for column in table.columns.values():
            type_name = types.setdefault(column.format, f"type{len(types) + 1}")
            occurs = {} if column.mandatory else {"minOccurs": "0"}
            ElementTree.SubElement(values, "xs:element", {"name": column.name, "type": type_name, **occurs})
    for format_, type_name in types.items():
        _simple_type(root, type_name, format_)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def json_schema(dataset: Dataset) -> dict[str, Any]:
    """JSON schema (2020-12) of a data set: an object of tables, each a list of objects of text values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": namespace(dataset),
        "title": dataset.title,
        "$comment": "idbmigrate's own description; no submission format of any authority",
        "type": "object",
        "additionalProperties": False,
        "properties": {table.name: _json_table(table) for table in table_order(dataset)},
    }


def _sequence(element: ElementTree.Element) -> ElementTree.Element:
    return ElementTree.SubElement(ElementTree.SubElement(element, "xs:complexType"), "xs:sequence")


def _simple_type(root: ElementTree.Element, name: str, format_: Format) -> None:
    type_ = ElementTree.SubElement(root, "xs:simpleType", name=name)
    notation = ElementTree.SubElement(ElementTree.SubElement(type_, "xs:annotation"), "xs:documentation")
    notation.text = format_.notation
    restriction = ElementTree.SubElement(type_, "xs:restriction", base="xs:string")
    if format_.min_length:
        ElementTree.SubElement(restriction, "xs:minLength", value=str(format_.min_length))
    if format_.max_length:
        ElementTree.SubElement(restriction, "xs:maxLength", value=str(format_.max_length))
    if format_.pattern:
        ElementTree.SubElement(restriction, "xs:pattern", value=format_.pattern)


def _json_table(table: TableSpec) -> dict[str, Any]:
    row: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {column.name: _json_column(column) for column in table.columns.values()},
        "required": [column.name for column in table.columns.values() if column.mandatory],
    }
    rows: dict[str, Any] = {"title": table.title, "type": "array", "items": row}
    return rows | {"minItems": 1, "maxItems": 1} if table.is_header else rows


def _json_column(column: ColumnSpec) -> dict[str, Any]:
    format_ = column.format
    limits = {
        "minLength": format_.min_length or None,
        "maxLength": format_.max_length,
        "pattern": f"^({format_.pattern})$" if format_.pattern else None,
    }
    schema = {key: value for key, value in limits.items() if value is not None}
    described = {"title": column.item} if column.item else {}
    if column.mandatory:
        return {"type": "string", **described, **schema}
    return {"type": ["string", "null"], **described, **schema}
