"""What an inspection holds in memory, whatever the size and the kind of the file."""

from __future__ import annotations

import gzip
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Final

from tests.benchmarks.scene import spent
from tests.benchmarks.scene_model import text, words

TITLE: Final = "Memory of an inspection (bar: a file of 5 GB in less than 600 MB)"
_BAR: Final = 600_000_000
_KINDS: Final = ("rows.jsonl", "rows.json", "rows.csv", "rows.jsonl.gz")
_BLOCK: Final = 2_000
_ROW_WORDS: Final = 150


def measure(*words: str) -> bool:
    """One file of each kind, its rows about 1 kB; needs twice the disk. `--gigabytes=1` is shorter."""
    gigabytes = next((word.partition("=")[2] for word in words if word.startswith("--gigabytes=")), "5")
    print("| file | size | rows | seconds | peak memory |\n|---|---|---|---|---|")
    held = True
    for name in _KINDS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            rows = _write(path, round(float(gigabytes) * 1e9))
            size = path.stat().st_size
            call = ["-m", "openlora_tui.cli.main", "inspect", str(path), "--json"]
            seconds, memory = spent(call, OPENLORA_HOME=str(Path(folder) / "home"))
            held &= memory < _BAR
            print(
                f"| {name} | {size / 1e9:.1f} GB | {rows:,} | {seconds:,.0f} | {memory / 1e6:,.0f} MB |",
                flush=True,
            )
    return held


def _write(path: Path, size: int) -> int:
    """Rows that differ in a number, so that none is a duplicate; how many they are."""
    known, draw = words(), random.Random(5)
    block = [text(draw, known, _ROW_WORDS) for _ in range(_BLOCK)]
    written = rows = 0
    plain = path.with_suffix("") if path.suffix == ".gz" else path
    with plain.open("w") as file:
        listed, table = plain.suffix == ".json", plain.suffix == ".csv"
        file.write("[" if listed else "prompt,completion\n" if table else "")
        while written < size:
            row = {"prompt": f"Row {rows}", "completion": f"{rows} {block[rows % _BLOCK]}"}
            line = ",".join(row.values()) if table else json.dumps(row)
            written += file.write((",\n" if listed and rows else "") + line + ("" if listed else "\n"))
            rows += 1
        file.write("]" if listed else "")
    if plain != path:
        with plain.open("rb") as whole, gzip.open(path, "wb", compresslevel=1) as packed:
            shutil.copyfileobj(whole, packed)
        plain.unlink()
    return rows
