"""Writes values into the text of a recipe, and touches nothing else in it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from decimal import Decimal

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode


def written(value: object) -> str:
    """`value` on one line of YAML, as it is read back."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{Decimal(repr(value)):e}" if 0 < abs(value) < 1e-3 else repr(value).removesuffix(".0")
    if isinstance(value, list):
        return f"[{', '.join(_item(item) for item in value)}]"
    if isinstance(value, (dict, msgspec.Struct)):
        items = msgspec.to_builtins(value).items()
        return f"{{{', '.join(f'{_key(name)}: {_item(item)}' for name, item in items)}}}"
    return value if isinstance(value, str) and _plain(value) else _quoted(value)


def _item(value: object) -> str:
    return _quoted(value) if isinstance(value, str) else written(value)


def _key(name: object) -> str:
    return name if isinstance(name, str) and _plain(name) else _quoted(name)


def edited(text: str, values: Mapping[str, str], left_out: Mapping[str, str] | None = None) -> str | None:
    """`text` with the fields set to these one-line values, every comment and blank line where it was.

    A field that the text lacks takes the place of its line of `left_out`, where such a line stands in the
    text, and else comes last. None where that cannot be done by replacing pieces of text: anchors, aliases,
    or braces around it all.
    """
    root = YAML(typ="rt").compose(text)
    if root is None:
        root = MappingNode(tag="tag:yaml.org,2002:map", value=[])
    if not isinstance(root, MappingNode) or root.flow_style or _shared(root, set()):
        return None
    found = {key.value: (key, value) for key, value in root.value}
    for name, start, end in _vacant(text, values.keys() - found.keys(), left_out or {}, root):
        text = f"{text[:start]}{name}: {values[name]}{text[end:]}"
    if len(found) < len(values.keys() | found.keys()):
        root = YAML(typ="rt").compose(text)
        found = {key.value: (key, value) for key, value in root.value} if root is not None else {}
    cuts = []
    for name in values.keys() & found.keys():
        key, value = found[name]
        cuts.append((key.end_mark.index, value.start_mark.index, _end(value), values[name]))
    for colon, start, end, new in sorted(cuts, reverse=True):
        # A block sequence may start right below its key, where nothing else may.
        indent = "" if text[colon:start].endswith((" ", "\t")) else "  "
        text = text[:start] + indent + new + text[end:]
    more = [f"{name}: {value}" for name, value in values.items() if name not in found]
    body = text if not more or text.endswith("\n") else text + "\n"
    return body + "".join(f"{line}\n" for line in more)


def _vacant(
    text: str, names: Collection[str], left_out: Mapping[str, str], root: MappingNode
) -> list[tuple[str, int, int]]:
    """Where the lines stand that speak of fields left out, the last first; lines inside a value are none."""
    taken = [(value.start_mark.index, _end(value)) for _, value in root.value]
    found = []
    for name in names & left_out.keys():
        line = re.search(rf"^{re.escape(left_out[name])}$", text, re.MULTILINE)
        if line and not any(start <= line.start() < end for start, end in taken):
            found.append((name, line.start(), line.end()))
    return sorted(found, key=lambda one: one[1], reverse=True)


def _end(node: Node) -> int:
    """Where the value ends; ruamel counts the comments after a block to it."""
    if isinstance(node, SequenceNode) and not node.flow_style and node.value:
        return _end(node.value[-1])
    if isinstance(node, MappingNode) and not node.flow_style and node.value:
        return _end(node.value[-1][1])
    if isinstance(node, ScalarNode) and node.style in ("|", ">"):
        return int(node.start_mark.index) + len(_body(node))
    return int(node.end_mark.index)


def _body(node: Node) -> str:
    taken = node.start_mark.buffer[node.start_mark.pointer : node.end_mark.pointer]
    return str(taken).rstrip()


def _shared(node: Node, seen: set[int]) -> bool:
    """True where a node is used twice, carries an anchor, or is merged."""
    if id(node) in seen or node.anchor is not None:
        return True
    seen.add(id(node))
    if isinstance(node, MappingNode):
        return any(_shared(key, seen) or _shared(value, seen) for key, value in node.value)
    return isinstance(node, SequenceNode) and any(_shared(item, seen) for item in node.value)


def _quoted(value: object) -> str:
    return "".join(_escaped(c) for c in msgspec.json.encode(value).decode())


def _escaped(char: str) -> str:
    # Line separators, C1 controls and byte order marks would be refused or folded inside quotes.
    unsafe = unicodedata.category(char) in ("Cc", "Zl", "Zp", "Cn") or char == "\ufeff"
    return (f"\\u{ord(char):04x}" if ord(char) < 1 << 16 else f"\\U{ord(char):08x}") if unsafe else char


def _plain(value: str) -> bool:
    """True for text that YAML reads back as the same text without quotes."""
    if not value or value != value.strip():
        return False
    safe = all(c.isalnum() or c in "/._-~+" for c in value)
    try:
        return safe and value[0] not in "-~" and bool(YAML(typ="safe").load(value) == value)
    except (YAMLError, ValueError):  # `...` ends a document, 2024-13-99 is nearly a date
        return False
