"""`openlora`: reads the words, runs the command, and turns every failure into one clear message."""

from __future__ import annotations

import argparse
import contextlib
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from engine import __version__, paths, room
from engine.problem import BAD_INPUT, WORK_FAILED, Problem
from engine.secrets import hidden
from engine.text import clean, one_line
from openlora_tui.cli import streams
from openlora_tui.cli.document import print_document
from openlora_tui.cli.outlet import outlets

INTERRUPTED: Final = 130
_LONGEST: Final = 1000
"""Characters of a line that tells of a problem; names and values in it may be of any length."""
_COMMANDS: Final = ("demo", "pull", "new", "inspect", "check", "estimate", "recommend", "train", "launch",
                    "runs", "advise", "advisor", "chat", "doctor", "where", "storage", "engine",
                    "uninstall")  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed, 2 wrong input, 130 interrupted.

    Whoever reads the output may leave when they have seen enough; that is no failure of a command.
    """
    given = list(sys.argv[1:] if words is None else words)
    as_json = "--json" in given
    streams.prepare(as_json=as_json)
    failure = None
    try:
        with outlets(as_json=as_json):
            status = _run(given, as_json)
    except OSError as error:
        status, failure = 0, error
    failure = streams.failure() or failure
    if failure is None or streams.left(failure):
        return status
    return _tell(
        Problem("The output cannot be written.", why=f"{failure.strerror}.", exit_status=WORK_FAILED)
    )


def _run(given: list[str], as_json: bool) -> int:
    """OSError where the output is what failed."""
    try:
        args = _parser(given).parse_args(given)
        return int(args.command(args))
    except Problem as problem:
        return _tell(problem, as_json)
    except SystemExit as asked:  # --help, --version, SIGTERM
        return int(asked.code or 0)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        failure = streams.failure()
        if failure is not None:
            raise failure from error
        refused = room.refusal(error)
        if refused is not None:
            written = Path(refused.filename).absolute().parent if refused.filename else paths.home_path()
            return _tell(room.problem(refused, written), as_json)
        return _tell(_unexpected(error), as_json)


class _Parser(argparse.ArgumentParser):
    """argparse, with its mistakes told as all others are."""

    def error(self, message: str) -> None:  # type: ignore[override]
        do = f"`{self.prog} --help` lists the words."
        raise Problem(f"{message[:1].upper()}{message[1:]}.", do=do)


def _parser(given: list[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="openlora",
        description="Fine-tune language models with LoRA. `openlora-tui` opens the full-screen app.",
    )
    parser.add_argument("--version", action="version", version=f"openlora {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    wanted = next((word for word in given if word in _COMMANDS), None)
    for name in _COMMANDS:
        # Only the command that is asked for is imported whole; the others lend their one line of help.
        module = import_module(f"openlora_tui.cli.{name}")
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        if name == wanted:
            module.arguments(command)
        command.set_defaults(command=module.run)
    return parser


def _tell(problem: Problem, as_json: bool = False) -> int:
    with contextlib.suppress(OSError):  # the output may be what failed
        _print(problem, as_json)
    return problem.exit_status


def _print(problem: Problem, as_json: bool) -> None:
    where = f"{one_line(problem.where, _LONGEST)}: " if problem.where else ""
    print(f"openlora: {where}{one_line(problem.what, _LONGEST)}", file=sys.stderr)
    for text in (problem.why, problem.do):
        for line in clean(text).splitlines():
            print(f"  {one_line(line, _LONGEST)}", file=sys.stderr)
    if as_json:
        print_document({"error": problem.as_dict()})


def _unexpected(error: Exception) -> Problem:
    from engine import paths

    try:
        log = paths.home() / "openlora.log"
        with open(log, "a", opener=paths.private) as file:
            file.write(hidden("".join(traceback.format_exception(error))))
        where = str(log)
    except (Problem, OSError):
        traceback.print_exception(error)
        where = ""
    return Problem(
        "Something went wrong that OpenLoRA did not foresee.",
        where=where,
        why=f"{type(error).__name__}: {error}.",
        do="The log has the whole of it; please report it.",
        exit_status=WORK_FAILED,
    )


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["BAD_INPUT", "INTERRUPTED", "main"]
