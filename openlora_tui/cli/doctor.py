"""`openlora doctor`: what this machine can do, and what to do about what it cannot."""

from __future__ import annotations

import argparse
import locale
import os
import shutil
import sys
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import msgspec
import psutil

from engine import __version__, bus, packages, paths
from engine.hub import cache
from engine.problem import WORK_FAILED, Problem
from engine.telemetry import gpu

HELP: Final = "what this machine can do, and what to do about what it cannot"


class Check(msgspec.Struct, frozen=True):
    """One thing looked at."""

    name: str
    state: Literal["ok", "note", "problem"]
    found: str
    do: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    """Look at everything; 1 where something keeps training from working."""
    checks = [*_software(), *_devices(), *_home(), _hub(), *_terminal()]
    if args.json:
        print(msgspec.json.encode({"version": __version__, "checks": checks}).decode())
    else:
        for check in checks:
            mark = {"ok": "✓", "note": "●", "problem": "✗"}[check.state]
            print(f"{mark} {check.name:<14} {check.found}")
            if check.do:
                print(f"  {'':<14} {check.do}")
    return WORK_FAILED if any(check.state == "problem" for check in checks) else 0


def _software() -> list[Check]:
    checks = [
        Check("openlora", "ok", __version__),
        Check("python", "ok", f"{sys.version.split()[0]} at {sys.executable}"),
    ]
    missing = packages.missing_for_training()
    if missing:
        checks.append(Check("training", "problem", f"not installed: {', '.join(missing)}", packages.INSTALL))
    else:
        checks.append(
            Check("training", "ok", ", ".join(f"{name} {metadata.version(name)}" for name in packages.TRAIN))
        )
    if find_spec("llama_cpp") is None:
        checks.append(
            Check(
                "advisor", "note", "llama-cpp-python is not installed", "pip install 'openlora-tui[advisor]'"
            )
        )
    else:
        checks.append(Check("advisor", "ok", f"llama-cpp-python {metadata.version('llama-cpp-python')}"))
    return checks


def _devices() -> list[Check]:
    memory = psutil.virtual_memory()
    free = f"{memory.available / 2**30:.1f} of {memory.total / 2**30:.1f} GiB memory free"
    checks = [Check("cpu", "ok", f"{os.cpu_count()} cores, {free}")]
    cards = gpu.gpus()
    if not cards:
        checks.append(
            Check(
                "gpu", "note", "no NVIDIA card is seen", "Runs use the CPU. With a card, check `nvidia-smi`."
            )
        )
    for card in cards:
        size = f"{card.used / 2**30:.1f} of {card.total / 2**30:.1f} GiB used"
        checks.append(Check(f"gpu {card.index}", "ok", f"{card.name}, {size}, driver {gpu.driver()}"))
    return checks


def _home() -> list[Check]:
    try:
        root = paths.home()
        folder = paths.socket_folder()
    except Problem as problem:
        return [Check("home", "problem", str(problem), problem.do)]
    checks = [Check("home", "ok", f"{root} on {paths.file_system(root) or 'an unknown file system'}")]
    if paths.on_network(root):
        checks[0] = Check("home", "note", f"{root} is on a network file system: the index does without WAL",
                          "Set OPENLORA_HOME to a local folder for speed.")  # fmt: skip
    free = shutil.disk_usage(root).free
    low = free < 2 << 30
    checks.append(
        Check(
            "disk",
            "problem" if low else "ok",
            f"{free / 2**30:.1f} GiB free",
            "Free some space." if low else "",
        )
    )
    checks.append(_engine(root, folder))
    return checks


def _hub() -> Check:
    whole = [model for model in cache.models() if model.complete]
    size = sum(model.bytes for model in whole) / 2**30
    models = f"{len(whole)} model{'' if len(whole) == 1 else 's'}, {size:.1f} GiB in {cache.cache_folder()}"
    if any(os.environ.get(name) for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        return Check("hub", "note", f"{models}; offline", "Unset HF_HUB_OFFLINE to fetch others.")
    return Check("hub", "ok", f"{models}; others by `openlora pull`")


def _engine(root: Path, folder: Path) -> Check:
    try:
        bus.connect(root)
    except bus.LOST:
        return Check("engine", "ok", f"not running; it starts on demand, with its socket in {folder}")
    return Check("engine", "ok", f"process {bus.engine_pid(root)}, socket in {folder}")


def _terminal() -> list[Check]:
    checks = [_colours(), _locale()]
    inside = os.environ.get("TMUX") or os.environ.get("STY")
    if os.environ.get("SSH_CONNECTION") and not inside:
        do = "Runs go on without it; the app itself would close with the connection."
        checks.append(Check("tmux", "note", "not inside tmux or screen", do))
    return checks


def _colours() -> Check:
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        do = "The app needs a terminal that can move the cursor; `openlora` does not."
        return Check("terminal", "note", f"TERM={term or 'unset'}", do)
    colours = "256 colours" if "256" in term else "16 colours"
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        colours = "true colour"
    return Check("terminal", "ok", f"TERM={term}, {colours}")


def _locale() -> Check:
    coding = locale.getpreferredencoding(False)
    if coding.lower().replace("-", "") == "utf8":
        return Check("locale", "ok", coding)
    return Check("locale", "note", coding, "Set LANG=C.UTF-8, or start the app with --ascii.")
