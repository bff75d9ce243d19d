"""JSON Schemas for editors, made from the records. The reader is the authority: it checks more than they can say."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
import textwrap
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from tfbootstrap.matrix.reader import Lines, MatrixFile, record_fields

_SCALARS: Mapping[type, Mapping[str, Any]] = {
    str: {"type": "string", "minLength": 1},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(record: type[MatrixFile]) -> str:
    """Return the text of the JSON Schema of a record's files."""
    definitions: dict[str, Any] = {}
    root = _object(_plain_class(record), definitions)
    root["properties"] = {
        "schema": {"const": record.SCHEMA, "description": "The version of this file's form."},
        **root["properties"],
    }
    root["required"] = ["schema", *root["required"]]
    document = {"$schema": _DIALECT, "title": record.FILE, **root}
    if definitions:
        document["$defs"] = dict(sorted(definitions.items()))
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _plain_class(record: type) -> type:
    # mypy takes a class object typed by a protocol for something that can't be hashed.
    return record


def _object(record: type, definitions: dict[str, Any]) -> dict[str, Any]:
    documentation = field_documentation(record)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for item in record_fields(record):
        properties[item.name] = _described(_shape(item.shape, definitions), documentation.get(item.name))
        if item.required:
            required.append(item.name)
    return {
        "description": _one_paragraph(inspect.getdoc(record) or ""),
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _described(schema: dict[str, Any], text: str | None) -> dict[str, Any]:
    return (
        {"description": text, **{key: value for key, value in schema.items() if key != "description"}}
        if text
        else schema
    )


def _shape(shape: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if get_origin(shape) is Annotated:
        return _text(get_args(shape)[1])
    if get_origin(shape) is Literal:
        return {"enum": list(get_args(shape))}
    if get_origin(shape) is tuple:
        return {"type": "array", "items": _shape(get_args(shape)[0], definitions)}
    if get_origin(shape) is not None and issubclass(get_origin(shape), Mapping):
        return {"type": "object", "additionalProperties": _shape(get_args(shape)[1], definitions)}
    if dataclasses.is_dataclass(shape):
        name = shape.__name__ if isinstance(shape, type) else str(shape)
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object(shape if isinstance(shape, type) else type(shape), definitions)
        return {"$ref": f"#/$defs/{name}"}
    return dict(_SCALARS[shape])


def _text(form: Any) -> dict[str, Any]:
    if isinstance(form, Lines):
        return {"type": "string", "minLength": 1, "description": f"Lines, each {form.item.name}."}
    schema = {"type": "string", "description": f"{form.name[0].upper()}{form.name[1:]}.", "examples": [form.example]}
    return {**schema, "pattern": form.pattern} if form.pattern else schema


def field_documentation(record: type) -> dict[str, str]:
    """Return what the strings below a record's fields say about them."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(record)))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    found: dict[str, str] = {}
    for index in range(1, len(body)):
        statement, comment = body[index - 1], body[index]
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and isinstance(comment, ast.Expr)
            and isinstance(comment.value, ast.Constant)
            and isinstance(comment.value.value, str)
        ):
            found[statement.target.id] = _one_paragraph(comment.value.value)
    return found


def _one_paragraph(text: str) -> str:
    return " ".join(text.split())
