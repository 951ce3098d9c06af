"""Tokens and passwords are used and never written down: they are planted, and everything is searched."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from engine import events as ev
from engine import paths
from engine.event_log import EventReader, EventWriter
from engine.problem import Problem
from engine.run_dir import RunDir
from engine.secrets import HIDDEN, hidden, is_secret
from tests.security.living import LivedIn


def _found(lived: LivedIn, data: bytes) -> list[str]:
    return [name for name, secret in lived.planted.items() if secret.encode() in data]


def test_no_file_holds_a_secret(lived_in: LivedIn) -> None:
    """Events, consoles, logs, recipes, jobs, drafts, the database with its journal, caches and modules."""
    files = lived_in.files()
    names = {path.name for path in files}
    assert {"events.jsonl", "console.log", "engine.log", "store.sqlite", "job.json"} <= names
    assert {str(path): found for path in files if (found := _found(lived_in, path.read_bytes()))} == {}


def test_the_secrets_were_really_about(lived_in: LivedIn) -> None:
    """The hub was asked with the token, and the code that says too much did run and was heard."""
    console = RunDir(lived_in.home, "2").console.read_text()
    assert "it says" in console
    assert HIDDEN in console
    assert "RuntimeError: refused with" in console
    assert any(path.startswith("/owner/tiny/resolve/") for _, path, _ in lived_in.hub.asked)


def test_the_folder_of_sockets_holds_no_secret(lived_in: LivedIn) -> None:
    folder = paths.socket_folder()
    files = [path for path in folder.iterdir() if path.is_file() and not path.is_socket()]
    assert {str(path): found for path in files if (found := _found(lived_in, path.read_bytes()))} == {}


def test_no_terminal_and_no_pipe_was_sent_a_secret(lived_in: LivedIn) -> None:
    """Neither by a command, with or without --json, nor by the app with the failed run on its screen."""
    assert b"refused with" in lived_in.said["the app"]
    assert {name: found for name, data in lived_in.said.items() if (found := _found(lived_in, data))} == {}


def test_no_process_has_a_secret_among_its_words(lived_in: LivedIn) -> None:
    """Anyone on the machine may read the words of a process."""
    assert lived_in.betrayed == []


def test_the_database_holds_no_secret_in_any_row(lived_in: LivedIn) -> None:
    """Also where a value is packed or lies in the journal: every value is read back."""
    with sqlite3.connect(f"file:{lived_in.home}/store.sqlite?mode=ro", uri=True) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type='table'")]
        assert tables
        for table in tables:
            for row in database.execute(f"select * from {table}"):
                assert _found(lived_in, repr(row).encode()) == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("hf_" + "aB3" * 12, False),
        ("hf_oauth_" + "eyJ.x-" * 6, False),
        ("https://name:word@proxy.example:3128/", False),
        ("https://cdn.example/x?X-Amz-Signature=abcdef&x=1", False),
        ("https://cdn.example/x?token=abcdef0123", False),
        ("Authorization: Bearer abcdefghijkl", False),
        ("from huggingface_hub import hf_hub_download, hf_raise_for_status", True),
        ("https://huggingface.co/owner/name@main?x=1", True),
        ("someone@example.com wrote a token of 20 letters", True),
        ("step 3: loss 1.5 in /home/a/b@c/d", True),
    ],
)
def test_what_looks_like_a_secret_is_hidden_and_ordinary_words_stay(text: str, kept: bool) -> None:
    assert (hidden(text) == text) is kept
    assert (HIDDEN in hidden(text)) is not kept


def test_a_secret_variable_is_known_by_its_value_in_every_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In messages and in events, quotes and backslashes in it notwithstanding."""
    value = 'p"a\\ss w0rd'
    monkeypatch.setenv("MY_PASSWORD", value)
    problem = Problem(f"what {value}", where=value, why=f"why {value}", do=f"do {value}")
    assert value not in str(problem)
    assert value not in repr(problem.args)
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write(ev.Log(text=f"the word is {value}"))
    writer.write(ev.Failed(run="1", steps=0, what=value, console=[value], findings=[]))
    writer.close()
    said = [event for line in EventReader(tmp_path / "events.jsonl") if (event := ev.decode(line))]
    assert len(said) == 2
    assert said[0] == ev.Log(t=said[0].t, text=f"the word is {HIDDEN}")
    assert isinstance(said[1], ev.Failed)
    assert [said[1].what, *said[1].console] == [HIDDEN, HIDDEN]


def test_an_event_stays_what_it_is_whatever_the_secrets_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that is a word of ours hides no kind of event and no field's name."""
    for index, word in enumerate(("finished", "succeeded", "heartbeat", "findings")):
        monkeypatch.setenv(f"SECRET_{index}", word)
    writer = EventWriter(tmp_path / "events.jsonl")
    writer.write(ev.Log(text="all is well"))
    writer.write(ev.Finished(run="1", outcome="succeeded", steps=3, loss=1.0, adapter=None))
    writer.close()
    kinds = [type(ev.decode(line)) for line in EventReader(tmp_path / "events.jsonl")]
    assert kinds == [ev.Log, ev.Finished]


def test_a_job_keeps_its_plain_variables_and_no_secret_ones() -> None:
    secret = {
        "HF_TOKEN": "x",
        "HTTPS_PROXY": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "OPENLORA_X": "https://u:p@h",
    }
    plain = {"HF_HOME": "/x", "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": "0"}
    assert all(is_secret(name, value) for name, value in secret.items())
    assert not any(is_secret(name, value) for name, value in plain.items())
