"""The `openlora-tui` command: looks at the terminal, then opens the app as fast as it can."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.problem import Problem
from engine.text import one_line
from openlora_tui.terminal.surroundings import drawable, reads_utf8

if TYPE_CHECKING:
    from openlora_tui.app import OpenLoraApp
    from openlora_tui.engine_link import EngineLink


def main(argv: list[str] | None = None) -> int:
    """Run the app.

    The exit status is 0, 1 after a fault in the app, 2 without a terminal or a home for it, and 128 more
    than the number of the signal that ended it: 129 where the terminal has gone.
    """
    # Until the app hears it, ctrl+c ends this process as it does any other, without a traceback.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    words = _parser().parse_args(argv)
    if words.home:
        os.environ["OPENLORA_HOME"] = str(Path(words.home).expanduser().absolute())
    why = _why_not_here()
    if why:
        print(f"openlora-tui needs a terminal{why}", file=sys.stderr)
        return 2
    _prepare_textual(asked_for_colours=bool(words.theme))
    from openlora_tui.app import OpenLoraApp

    app = OpenLoraApp(
        _connect,
        theme=words.theme,
        keys=words.keys,
        ascii_only=words.ascii or os.environ.get("TERM") == "linux" or not reads_utf8(),
        slow=_over_ssh(),
        readonly=words.readonly,
        bell=not words.no_bell,
        first="demo" if words.demo else "",
    )
    return _run(app, mouse=not words.no_mouse)


def _parser() -> argparse.ArgumentParser:
    from engine import __version__

    parser = argparse.ArgumentParser(
        prog="openlora-tui",
        description="Fine-tune language models with LoRA, watched live. Runs go on when this window closes.",
    )
    parser.add_argument("--version", action="version", version=f"openlora-tui {__version__}")
    parser.add_argument("--home", metavar="DIR", help="where runs are kept, in place of OPENLORA_HOME")
    parser.add_argument(
        "--theme",
        metavar="NAME",
        default="",
        help="colour theme; else the one chosen last",
    )
    parser.add_argument(
        "--keys", metavar="PRESET", default="", help="default, vim or minimal; your keys.toml counts on top"
    )
    parser.add_argument("--demo", action="store_true", help="begin with the demo, as `openlora demo` does")
    parser.add_argument("--no-mouse", action="store_true", help="leave the mouse to the terminal")
    parser.add_argument("--no-bell", action="store_true", help="no bell when a run ends")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    parser.add_argument(
        "--readonly", action="store_true", help="watch only; nothing starts, stops or changes"
    )
    return parser


def _why_not_here() -> str:
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)):
        return "; `openlora --help` lists the commands without one."
    if not drawable(os.environ):
        term = f"TERM is {os.environ['TERM']}" if os.environ.get("TERM") else "TERM is not set"
        return (
            f" that can be drawn on: {term}. Set it to what yours is, such as TERM=xterm-256color; "
            "`openlora --help` lists the commands that need none."
        )
    return ""


def _over_ssh() -> bool:
    return bool(os.environ.get("SSH_CONNECTION"))


def _prepare_textual(*, asked_for_colours: bool = False) -> None:
    """Textual reads these when it is imported; what a person has set stays."""
    if asked_for_colours or os.environ.get("NO_COLOR") == "":
        os.environ.pop("NO_COLOR", None)  # an option overrules it, and empty means unset (no-color.org)
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    os.environ.setdefault("TEXTUAL_FPS", "15" if _over_ssh() else "30")


def _connect() -> EngineLink:
    """Imported here, in a thread and after the first paint: the bus and the home take their time."""
    from engine.client.link import Link
    from engine.paths import home

    return Link(home(), app=True)


def _run(app: OpenLoraApp, *, mouse: bool) -> int:
    """Run until the app leaves; a fault goes to a file as a whole, and its path to the person."""
    try:
        app.run(mouse=mouse)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        app.fault = error
    if app.fault is None:
        return 128 + app.left_by if app.left_by else 0
    if isinstance(app.fault, Problem):
        print(f"openlora-tui: {one_line(str(app.fault), 1000)}", file=sys.stderr)
        return app.fault.exit_status
    path = _write_fault(app.fault)
    with contextlib.suppress(OSError):  # the terminal may be what has gone
        print(
            f"openlora-tui ended by a fault of its own; runs go on. What happened is in {path}",
            file=sys.stderr,
        )
    return 1


def _write_fault(error: BaseException) -> str:
    import time
    import traceback

    from engine.paths import home, private, socket_folder
    from engine.secrets import hidden

    text = hidden("".join(traceback.format_exception(error)))
    stamp = time.strftime("%Y-%m-%d %H:%M:%S")
    for folder in (home, socket_folder):  # never a place where someone else may have put a link
        try:
            path = folder() / "tui.log"
            with open(path, "a", encoding="utf-8", opener=private) as file:
                file.write(f"--- {stamp} ---\n{text}\n")
        except (Problem, OSError):
            continue
        return str(path)
    return "no file, because none could be written"


if __name__ == "__main__":
    sys.exit(main())
