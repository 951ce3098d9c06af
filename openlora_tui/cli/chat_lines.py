"""The chat of a person at a terminal: a line each, edited by readline, and a few commands."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from engine import paths
from engine.chat.spoken import SIDES
from engine.problem import Problem
from openlora_tui.cli.chat_talk import Chat
from openlora_tui.sampling import BY_NAME, changed

_SAID: Final = """/base  /adapter  /both    who answers
/again                    the last prompt once more
/reset                    forget what was said
/system TEXT              a system turn before all others; empty for none
/raw  /chat               prompts as typed, or as turns of the chat template
/temperature 0.7          and top_p, top_k, repetition_penalty, max_new_tokens, seed
/save FILE                what was said, as rows to train on
/quit                     leave; ctrl+d too. ctrl+c ends an answer
//...                     a prompt that begins with a slash; a \\ at the end goes on in the next line"""
_HISTORY: Final = 1000


def converse(chat: Chat) -> None:
    """Ask and answer until the person leaves."""
    history = paths.home() / "chat_history"
    readline = _readline(history)
    print("/help lists the commands, ctrl+d leaves", file=sys.stderr)
    try:
        while (text := _asked()) is not None:
            if text.strip() and not _done(chat, text):
                break
    finally:
        if readline is not None:
            with contextlib.suppress(OSError):
                readline.set_history_length(_HISTORY)
                readline.write_history_file(history)


def _asked() -> str | None:
    """The next line, None at its end; a backslash at the end of a line takes the next one too."""
    lines = []
    prompt = "\n> "
    while True:
        try:
            line = input(prompt)
        except EOFError:
            print(file=sys.stderr)
            return None
        except KeyboardInterrupt:
            print("\nctrl+d leaves the chat", file=sys.stderr)
            return ""
        lines.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            return "\n".join(lines)
        prompt = "… "


def _done(chat: Chat, text: str) -> bool:
    """Do what the line says; False where it says to leave. A mistake is told, and the chat goes on."""
    try:
        if text.startswith("/") and not text.startswith("//"):
            return _command(chat, *text[1:].strip().partition(" ")[::2])
        chat.answer(text.removeprefix("/") if text.startswith("//") else text, show=True)
    except Problem as problem:
        if chat.conversation.ready is None:
            raise
        print(problem, file=sys.stderr)
    return True


def _command(chat: Chat, word: str, rest: str) -> bool:
    conversation, rest = chat.conversation, rest.strip()
    match word:
        case "quit" | "exit" | "q":
            return False
        case "help" | "?" | "":
            print(_SAID, file=sys.stderr)
        case "reset":
            conversation.reset()
            print("forgotten", file=sys.stderr)
        case "again":
            if not conversation.exchanges:
                raise Problem("Nothing has been asked yet.")
            chat.answer(conversation.exchanges[-1].prompt, show=True, again=True)
        case "base" | "adapter" | "both":
            _choose(chat, word)
        case "system":
            conversation.system = rest
        case "raw" | "chat":
            conversation.form = "verbatim" if word == "raw" else "chat"
            print(conversation.written(), file=sys.stderr)
        case "save":
            _save(chat, rest)
        case _:
            _set(chat, word, rest)
    return True


def _choose(chat: Chat, word: str) -> None:
    ready = chat.conversation.ready
    if word != "base" and ready is not None and "adapter" not in ready.sides:
        raise Problem("There is no adapter here.")
    chat.sides = SIDES if word == "both" else ("adapter",) if word == "adapter" else ("base",)


def _set(chat: Chat, word: str, rest: str) -> None:
    name = word.replace("-", "_")
    if name not in BY_NAME:
        raise Problem(f"There is no command /{word}.", do="/help lists them.")
    if rest:
        chat.conversation.sampling = changed(chat.conversation.sampling, {name: rest})
    print(f"{name} {getattr(chat.conversation.sampling, name):g}", file=sys.stderr)


def _save(chat: Chat, name: str) -> None:
    if not name:
        raise Problem("Where to?", do="/save FILE")
    path = Path(name).expanduser()
    lines = [line for side in chat.sides for line in chat.conversation.transcript(side)]
    try:
        with path.open("xb") as file:
            file.writelines(lines)
    except OSError as error:
        raise Problem("The file cannot be written.", where=name, why=f"{error.strerror}.") from None
    print(f"{len(lines)} rows in {path}", file=sys.stderr)


def _readline(history: Path) -> ModuleType | None:
    try:
        import readline
    except ImportError:  # a Python built without it edits lines as the terminal does
        return None
    with contextlib.suppress(OSError):
        readline.read_history_file(history)
    return readline
