"""Writes docs/recipe.md and docs/keys.md from the tables that the program itself uses."""

from __future__ import annotations

from pathlib import Path

from engine.recipe import FIELDS
from engine.recipe.edit import written
from engine.recipe.yaml import SECTIONS
from openlora_tui.actions import key_table

DOCS = Path(__file__).parent


def recipe() -> str:
    """Every recipe field, by section."""
    lines = [
        "# Recipe fields",
        "",
        "Only `model` and `data` are required. Paths start at the recipe's folder.",
        "",
    ]
    for section, title in SECTIONS.items():
        heads = (
            "field",
            "default",
            "takes",
            "what it does",
            "what goes wrong",
            "where the default comes from",
        )
        lines += [f"## {title}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for field in FIELDS:
            if field.section == section:
                default = "required" if field.required else f"`{written(field.default)}`"
                takes = " ".join(part for part in (field.bounds, field.unit) if part)
                cells = (f"`{field.name}`", default, takes, field.help, field.wrong, field.source)
                lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def keys() -> str:
    """Every key of the app."""
    return f"# Keys\n\n{key_table()}"


def main() -> None:
    """Write both."""
    (DOCS / "recipe.md").write_text(recipe())
    (DOCS / "keys.md").write_text(keys())


if __name__ == "__main__":
    main()
