"""`python -m tests.benchmarks [NAME ...]`: runs them and prints one Markdown table each, with the machine."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from importlib import import_module, metadata
from typing import Final

NAMES: Final = (
    "first_paint",
    "keys",
    "wire",
    "first_step",
    "reporting",
    "watch",
    "diagnosis",
    "throughput",
    "estimate",
    "gpu",
    "inspection",
    "growth",
    "memory",
    "soak",
    "kills",
    "recommendation",
    "rescue",
)


def main() -> int:
    """Run the benchmarks that were named, or all."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    asked, words = parser.parse_known_args()
    names = asked.names or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    if words and len(names) > 1:
        parser.error(f"{' '.join(words)}: options are of one benchmark, so name one")
    print(machine())
    held = True
    for name in names:
        module = import_module(f"tests.benchmarks.{name}")
        print(f"\n## {module.TITLE}\n", flush=True)
        held &= module.measure(*words) is not False
    return 0 if held else 1


def machine() -> str:
    """Date, processor, cores and versions, on one line."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("textual", "torch", "peft"))
    python = platform.python_version()
    return f"{time.strftime('%Y-%m-%d')} · {model}, {os.cpu_count()} cores · Python {python} {versions}"


if __name__ == "__main__":
    sys.exit(main())
