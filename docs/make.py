"""Writes docs/recipe.md and docs/keys.md from the tables that the program itself uses."""

from __future__ import annotations

from pathlib import Path

from engine.recipe import FIELDS
from engine.recipe.edit import written
from engine.recipe.yaml import SECTIONS
from openlora_tui.keymap import ABOUT, key_table

DOCS = Path(__file__).parent
_KEYS = """There are three sets of keys; `openlora-tui --keys vim` takes one, and so does a file of your own:

{presets}

`keys.toml` in `~/.config/openlora` changes single keys. An action is named as in the tables below; an empty
text takes its key away, and the palette still runs it. Footer, help and palette show the keys as they are.

```toml
preset = "vim"

[keys]
stop = "ctrl+x"
log = ["L", "f6"]
kill = ""
```

A key has one meaning in a place. Terminals send the same for `ctrl+i` and tab, `ctrl+m` and enter, `ctrl+h`
and backspace, so those cannot be had; `ctrl+b` is tmux's own and `ctrl+a` that of screen.
"""


def recipe() -> str:
    """Every recipe field, by section."""
    lines = [
        "# Recipe fields",
        "",
        "Only `model` and `data` are required. Paths start at the recipe's folder.",
        "",
        "`openlora runs resume RUN --set NAME=VALUE` goes on from a checkpoint with another value. The last",
        "column says what that means: **safe**, the run learns what it would have learnt; **changes**, it",
        "goes on with other mathematics, and says so; **refused**, it cannot go on from what it has learnt.",
        "Batch size and accumulation are safe where their product stays the same, and `data` is where the",
        "rows are the same in another place.",
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
            "changed on resume",
        )
        lines += [f"## {title}", "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
        for field in FIELDS:
            if field.section == section:
                default = "required" if field.required else f"`{written(field.default)}`"
                takes = " ".join(part for part in (field.bounds, field.unit) if part)
                words = (field.help, field.wrong, field.source, field.on_resume)
                cells = (f"`{field.name}`", default, takes, *words)
                lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def keys() -> str:
    """Every key of the app, and how to change it."""
    presets = "\n".join(f"- **{name}**: {about}" for name, about in ABOUT.items())
    return f"# Keys\n\n{_KEYS.format(presets=presets)}\n{key_table()}"


def main() -> None:
    """Write both."""
    (DOCS / "recipe.md").write_text(recipe())
    (DOCS / "keys.md").write_text(keys())


if __name__ == "__main__":
    main()
