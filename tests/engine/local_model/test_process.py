"""The llama.cpp process with a real model: it streams, keeps to a grammar, hears a stop, and dies alone."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.llama import words
from engine.llama.gguf import head
from engine.llama.process import Died, Process
from engine.llama.words import Ask, Done, Load, Piece, Reading, Turn
from engine.local_model import grammar
from engine.local_model.proposal import PROPOSABLE
from engine.local_model.spoken import read_change

_PATIENCE = 120.0


@pytest.fixture(scope="module")
def loaded(shared: Path) -> Iterator[Process]:
    pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
    process = _started(shared / "models/gguf/stories260K-F32.gguf")
    assert isinstance(_heard(process), words.Loaded)
    yield process
    process.close()


def _started(path: Path, context: int = 512) -> Process:
    return Process(Load(path=str(path), context=context, threads=1))


def _heard(process: Process) -> words.ToParent:
    said = process.hear(_PATIENCE)
    assert said is not None
    return said


def _all(process: Process, ask: Ask) -> list[words.ToParent]:
    process.tell(ask)
    said = [_heard(process)]
    while isinstance(said[-1], Reading | Piece):
        said.append(_heard(process))
    return said


def _said(process: Process, text: str = "Once upon a time", **how: object) -> Done:
    done = _all(process, Ask(number=1, turns=[Turn("user", text)], **how))[-1]  # type: ignore[arg-type]
    assert isinstance(done, Done), done
    return done


def test_an_answer_comes_in_pieces_that_make_it_whole(loaded: Process) -> None:
    ask = Ask(number=7, turns=[Turn("system", "Tell."), Turn("user", "Once upon a time")], max_tokens=80)
    said = _all(loaded, ask)
    done = said[-1]
    assert isinstance(done, Done)
    assert done.number == 7
    assert done.tokens == 80
    assert done.stopped_by == "length"
    assert "".join(piece.text for piece in said if isinstance(piece, Piece)) == done.text
    again = _all(loaded, ask)
    assert [one.done for one in again if isinstance(one, Reading)] == []
    assert isinstance(again[-1], Done)
    assert again[-1].text == done.text


def test_what_was_read_before_is_not_read_again_and_changes_nothing(loaded: Process) -> None:
    long = "Lily went to the park. " * 9
    first = _said(loaded, f"{long} She saw a dog", max_tokens=24)
    _said(loaded, f"{long} Tom had a red ball", max_tokens=24)
    said = _all(loaded, Ask(number=1, turns=[Turn("user", f"{long} She saw a dog")], max_tokens=24))
    read = [one for one in said if isinstance(one, Reading)]
    assert read[0].done > 90
    assert isinstance(said[-1], Done)
    assert said[-1].text == first.text


def test_every_answer_in_the_grammar_of_a_change_is_a_change_however_wild_the_model(loaded: Process) -> None:
    assert read_change(_said(loaded, grammar=grammar.of_change(0), max_tokens=64).text, 0)[1] == []
    for seed, name in enumerate(PROPOSABLE * 2):
        fields = (name, *PROPOSABLE[:seed])[:2] if seed < len(PROPOSABLE) else PROPOSABLE
        never_none = grammar.of_change(3, fields).replace('"null" | ', "")
        bound = {"max_tokens": grammar.CHANGE_TOKENS, "temperature": 2.0, "seed": seed}
        text = _said(loaded, grammar=never_none, **bound).text
        values, cites = read_change(text, 3)
        assert values, text
        assert values.keys() <= set(fields), text
        assert set(cites) <= {1, 2, 3}, text


def test_an_answer_names_no_finding_that_there_is_not(loaded: Process) -> None:
    for seed in range(8):
        bound = {"grammar": grammar.of_answer(2), "temperature": 2.0, "seed": seed, "max_tokens": 120}
        text = _said(loaded, "[9] [1] [12]", **bound).text
        assert not re.search(r"[\[\]\x00-\x09\x7f]", re.sub(r"\[[12]\]", "", text)), text
    bound = {"grammar": grammar.of_answer(0), "temperature": 2.0, "max_tokens": 80}
    assert "[" not in _said(loaded, "[9] [1]", **bound).text


def test_a_prompt_that_does_not_fit_is_told_with_its_size(loaded: Process) -> None:
    said = _all(loaded, Ask(number=1, turns=[Turn("user", "a dog " * 400)], max_tokens=100))[-1]
    assert isinstance(said, words.TooLong)
    assert said.tokens > 512
    assert said.room == 412


def test_a_stop_is_heard_between_two_tokens(loaded: Process) -> None:
    loaded.tell(Ask(number=1, turns=[Turn("user", "Once")], max_tokens=400, temperature=1.0))
    while not isinstance(_heard(loaded), Piece):
        continue
    loaded.tell(words.Stop())
    said = _heard(loaded)
    while not isinstance(said, Done):
        said = _heard(loaded)
    assert said.stopped_by in ("asked", "length")
    assert _said(loaded, max_tokens=4).tokens == 4


def test_a_bad_grammar_kills_that_process_alone(stories: Path) -> None:
    process = _started(stories)
    assert isinstance(_heard(process), words.Loaded)
    process.tell(Ask(number=1, turns=[Turn("user", "a")], grammar="root ::= ((("))
    with contextlib.suppress(Died), contextlib.closing(process):
        said = _heard(process)
        while isinstance(said, Reading):
            said = _heard(process)
        assert isinstance(said, words.Refused)


def test_it_ends_with_its_parent(stories: Path) -> None:
    code = (
        "import sys, time, engine.llama.words as w\nfrom engine.llama.process import Process\n"
        f"p = Process(w.Load(path={str(stories)!r}, context=256))\n"
        "assert p.hear(100) is not None\nprint(p.pid, flush=True)\nsys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait(30)
    end = time.monotonic() + 60
    while Path(f"/proc/{pid}/stat").exists() and not _zombie(pid):
        assert time.monotonic() < end, "the process outlives its parent"
        time.sleep(0.05)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_the_head_of_a_file_tells_what_it_takes(stories: Path) -> None:
    found = head(stories)
    assert (found.called, found.architecture, found.layers, found.context) == ("stories260K", "llama", 5, 512)
    assert found.bytes == stories.stat().st_size
    assert found.cache_bytes(512) == 5 * 2 * 512 * 64  # 4 of 8 heads of 8 numbers, keys and values, 16 bits


def test_words_that_nobody_understands_end_it(tmp_path: Path) -> None:
    script = "import sys; print('what?', flush=True); sys.stdin.read()"
    process = Process(Load(path="m", context=1), command=(sys.executable, "-c", script))
    with pytest.raises(Died, match="nobody"):
        process.hear(_PATIENCE)
    process.close()


def test_lines_are_read_as_they_were_written() -> None:
    ask = Ask(number=1, turns=[Turn("user", "zwei\nZeilen \u2028 «»")], grammar="root ::= [a]")
    assert words.encode(ask).count(b"\n") == 1
    assert words.to_process(words.encode(ask)) == ask
    with pytest.raises(msgspec.DecodeError):
        words.to_parent(words.encode(ask))
