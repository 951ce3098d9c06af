"""What comes from outside steers no terminal: hostile words at every door of the real app and commands."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.segment import Segment
from textual.strip import Strip

from engine import events as ev
from engine.event_log import EventWriter
from engine.findings import Finding, Patch
from engine.text import clean
from openlora_tui.widgets.harmless import harmless
from openlora_tui.widgets.painted import Row
from tests.security.driving import APP, CLI, PATIENCE
from tests.terminal import Terminal

STEERING = [
    "\x1b]52;c;UFdO\x07", "\x1b]0;PWN\x07", "\x1b]2;PWN\x1b\\", "\x1b]8;;http://pwn\x1b\\",
    "\x1bPqPWN\x1b\\",
    "\x1b_GPWN\x1b\\", "\x1b^PWN\x1b\\", "\x1b[5m", "\x1b[?5h", "\x1b[8;9;9t", "\x1b[21t", "\x1bc", "\x1b#8",
    "\x1b(0", "\x1b[3g", "\x1b[2;3r", "\x1b[?1003h\x1b[99S", "\x9b5m", "\x9d0;PWN\x9c", "\x90qPWN\x9c",
    "\x0e", "\x08\x08", "\x05", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028",
]  # fmt: skip
"""Clipboard, titles, links, pictures, blinking, reset, sizes, character sets, C1 forms, order."""
MARKUP = "[@click=app.quit]press[/] [link=http://pwn]link[/link] [blink]b[/blink] [/nowhere] $evil {oops}"
WORD = "PWN" + "".join(STEERING) + MARKUP
NAME = "PWN" + "".join(text for text in STEERING if "/" not in text) + "[@click=app.quit]x.jsonl"
ROW = json.dumps({f"prompt {WORD}": WORD, "prompt": f"{WORD} ?", "completion": f"{WORD}."})


@pytest.fixture
def work(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a hostile data file, a hostile recipe and theme, and a home with a hostile run."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / NAME).write_text(f"{ROW}\n" * 30)
    sayable = WORD.translate(dict.fromkeys(range(32)))
    (folder / "bad.yaml").write_text(
        f"model: {json.dumps(sayable)}\ndata: {json.dumps(sayable)}\n{WORD}: 1\n"
    )
    (folder / "odd.yaml").write_text(f"model: {json.dumps(sayable)}\ndata: {json.dumps(sayable)}\n")
    themes = Path(os.environ["XDG_CONFIG_HOME"]) / "openlora/themes"
    themes.mkdir(parents=True)
    (themes / "pwn.toml").write_text(f"name = {json.dumps(sayable)}\n")
    _hostile_run(home)
    monkeypatch.chdir(folder)
    return folder


def _hostile_run(home: Path) -> None:
    run = home / "runs/1"
    run.mkdir(parents=True)
    (run / "recipe.yaml").write_text("model: a/b\ndata: rows.jsonl\n")
    finding = Finding(
        category="other", severity="warning", title=WORD, evidence=[WORD], cause=WORD, remedy=WORD,
        patch=Patch(label=WORD, recipe={"lora_r": 1}), step=1,
    )  # fmt: skip
    writer = EventWriter(run / "events.jsonl")
    for event in (
        ev.Created(run="1", name=f"name {WORD}", model=WORD, data=[WORD], steps=9, lineage=[WORD]),
        ev.Queued(reason=WORD),
        ev.Started(pid=1, host=WORD, device=WORD, versions={WORD: WORD}),
        ev.Phase(name=f"phase {WORD}", detail=WORD),
        ev.Planned(steps=9, epochs=1, rows=9, eval_rows=1, tokens=9, label_tokens=9, trainable=1,
                   parameters=2, batch_rows=1, precision=WORD, device=WORD, rank=1, targets=[WORD], layers=1),
        *(ev.Step(step=i, loss=1 / i, lr=1e-4, grad_norm=1.0, tokens=9, label_tokens=9, seconds=0.1, epoch=1)
          for i in range(1, 9)),
        ev.Sampled(step=2, prompt=WORD, text=WORD),
        ev.Saved(step=3, path=WORD, bytes=1, seconds=0.1),
        ev.Found(finding=finding),
        ev.Log(text=WORD, level="warning"),
        ev.Failed(run="1", steps=9, what=WORD, why=WORD, do=WORD, where=WORD, findings=[finding],
                  console=[WORD], log=WORD, resumable=True),
    ):  # fmt: skip
        writer.write(event)
    writer.close()
    (run / "console.log").write_bytes(f"{WORD}\n".encode())


def _steered(data: bytes, allowed: bytes = b"") -> list[str]:
    """Hostile sequences that stand in what a terminal was sent, but for those that are the app's own."""
    return [repr(text) for text in STEERING if (raw := text.encode()) in data and raw not in allowed]


def _titles(data: bytes) -> set[bytes]:
    return set(re.findall(rb"\x1b\][02];([^\x07\x1b]*)", data))


def _links(data: bytes) -> list[bytes]:
    return re.findall(rb"\x1b\]8;[^;]*;([^\x07\x1b]+)", data)


def test_this_test_knows_what_would_steer() -> None:
    """The same words as they are, and as they are shown."""
    assert len(_steered(WORD.encode())) == len(STEERING)
    assert _links(WORD.encode()) == [b"http://pwn"]
    assert _titles(WORD.encode()) == {b"PWN"}
    assert _steered(clean(WORD).encode()) == []


def test_the_app_sends_nothing_of_what_it_shows_to_the_terminal_as_an_order(work: Path, home: Path) -> None:
    """Runs, Train, its log, findings, Data with rows, the recipe, the palette, a paste: by keys, in a pty."""
    with Terminal(APP, 120, 36) as app:
        app.until("name PWN", PATIENCE)
        for keys in ("\r", "l", "\x1b", "f", "\x1b", "5", "2", "o"):
            app.press(keys)
            app.pump(0.7)
        app.until("KiB", PATIENCE)
        app.press("\r")
        app.until("all read", PATIENCE)
        for keys in ("\r", "j", "\x1b", "3", "o", "\r", "\r", "\x1b", "?", "\x1b", ":", "PWN", "\x1b", "/"):
            app.press(keys)
            app.pump(0.4)
        app.press("\x1b[200~" + WORD.replace("\x1b", "") + "\x1b[201~")
        app.pump(1.0)
        assert os.waitpid(app.pid, os.WNOHANG) == (0, 0), app.text
    data = bytes(app.raw)
    assert data.count(b"PWN") > 20, "the hostile words were not shown at all"
    assert _steered(data) == []
    assert _links(data) == []
    assert all(title.startswith(b"OpenLoRA") for title in _titles(data))


COMMANDS: list[Callable[[], list[str]]] = [
    lambda: ["runs"],
    lambda: ["runs", "show", "1"],
    lambda: ["runs", "watch", "1"],
    lambda: ["runs", "show", WORD],
    lambda: ["inspect", NAME],
    lambda: ["inspect", NAME, "--row", "1"],
    lambda: ["inspect", WORD],
    lambda: ["train", "bad.yaml"],
    lambda: ["train", "odd.yaml"],
    lambda: ["train", WORD],
    lambda: ["train", "odd.yaml", "--set", f"lora_r={WORD}"],
    lambda: ["pull", WORD],
    lambda: ["chat", WORD, "--prompt", WORD],
    lambda: [WORD],
    lambda: ["new", f"{WORD}/x.yaml"],
]


def test_no_command_does_either(work: Path, home: Path) -> None:
    """Tables, findings, mistakes, file names and words of one's own, on a terminal, also with --json."""
    heard = b""
    for words in COMMANDS:
        for more in ([], ["--json"]):
            with Terminal([*CLI, *words(), *more], 120, 36) as command:
                command.until_ended(PATIENCE)
            data = bytes(command.raw)
            assert _steered(data) == [], (words(), more)
            assert b"Traceback" not in data, (words(), more)
            heard += data
    assert heard.count(b"PWN") > 20
    assert _links(heard) == []
    assert _titles(heard) == set()


def test_json_keeps_what_was_said_while_a_terminal_sees_escapes(work: Path, home: Path) -> None:
    """The same text comes out of the document that went into the run."""
    with Terminal([*CLI, "runs", "show", "1", "--json"], 4000, 36) as command:
        command.until_ended(PATIENCE)
    line = next(line for line in bytes(command.raw).decode().splitlines() if line.startswith("{"))
    assert json.loads(line)["findings"][0]["title"] == WORD


@pytest.mark.parametrize("text", [*STEERING, WORD])
def test_a_painted_row_and_a_line_to_type_into_clean_whatever_they_are_given(text: str) -> None:
    """The last doors of the app: widgets need not remember to clean."""
    row = Row(f"a{text}b")
    assert row.plain.isprintable() or "\u200c" in row.plain
    strip = harmless(Strip([Segment(f"a{text}b")]))
    assert not set(strip.text) & set("\x1b\x07\x08\x05\x0e\u202e\u2066\u200b\ufeff\u2028")
    assert clean(strip.text) == strip.text
