"""`python -m engine.store.integrity FILE`: is an index whole? Reads it and changes nothing."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

_PATIENCE = 5.0


def quick_check(path: Path) -> tuple[str, int]:
    """What SQLite says of the file (`ok` where it is whole) and how many runs it holds.

    The file is opened for reading alone, so that the engine stays the only one that writes.
    """
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_PATIENCE)
    try:
        said = str(database.execute("pragma quick_check").fetchone()[0])
        return said, int(database.execute("select count(*) from run").fetchone()[0])
    finally:
        database.close()


def main() -> None:
    """Print `{"said", "runs"}`."""
    try:
        said, runs = quick_check(Path(sys.argv[1]))
    except sqlite3.Error as error:
        said, runs = str(error), 0
    print(json.dumps({"said": said, "runs": runs}))


if __name__ == "__main__":
    main()
