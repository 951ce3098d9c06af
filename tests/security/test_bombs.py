"""What comes with a model may be a trap: templates that never end, headers and trees that fill the memory."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from engine import events as ev
from engine.data.bounds import ROOM, SECONDS, bounded
from engine.data.refusal import Refusal
from engine.data.shapes import Chat
from engine.data.template import ChatTemplate
from engine.data.tokenizer import ModelTokenizer
from engine.hub.cache import is_whole
from engine.json_file import LARGEST, read_object
from engine.problem import Problem
from engine.recipe.adapters import saved_adapter
from tests.engine.chat.conftest import adapter
from tests.engine.train.conftest import Start, _few_threads, job, llama, rows, start, tokenizer_files

__all__ = ["_few_threads", "adapter", "job", "llama", "rows", "start", "tokenizer_files"]

CHAT = Chat([{"role": "user", "content": "hello"}])
DEEP = b'{"a":' * 200_000 + b"1" + b"}" * 200_000
ENDLESS = [
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro f(n) %}{{ f(n) if n else '' }}{{ f(n - 1) if n > 0 else '' }}{% endmacro %}{{ f(40) }}",
    "{% set n = messages | length + 9 %}{{ (n * 10) ** (n * 10**7) % 2 }}",
]
GREEDY = [
    "{{ 'a' * 10**10 }}",
    "{% set n = messages | length %}{{ 'a' * (n * 10**10) }}",
    "{% set ns = namespace(x='a' * 99) %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{{ '%099999999999d' % messages | length }}",
    "{{ messages[0].content.ljust(10**11) }}",
    "{% set n = messages | length %}{{ [n] * (n * 10**10) }}",
    "{{ messages | tojson(indent=10**10) }}",
]


def _rendered(source: str) -> str:
    return ChatTemplate(source, {}).render(CHAT)


@pytest.mark.parametrize("source", ENDLESS)
def test_a_template_that_never_ends_is_stopped(source: str) -> None:
    """After a few seconds of computing, with one message; the process is as before."""
    before = signal.getsignal(signal.SIGPROF)
    began = time.process_time()
    with pytest.raises(Refusal) as caught:
        _rendered(source)
    assert time.process_time() - began < 4 * SECONDS
    assert "template" in caught.value.what
    assert caught.value.do
    assert signal.getsignal(signal.SIGPROF) == before
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0


@pytest.mark.parametrize("source", GREEDY)
def test_a_template_that_asks_for_all_memory_is_stopped(source: str) -> None:
    """The process may take a gibibyte more, and is as before afterwards."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Refusal, match="template"):
        _rendered(source)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak <= (ROOM >> 10) + (64 << 10)
    assert resource.getrlimit(resource.RLIMIT_AS) == limits


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ messages.__init__.__globals__ }}",
        "{% set x = messages.append(1) %}{{ messages[1] }}",
        "{{ lipsum.__globals__['os'] }}",
        "{{ '{0.__class__.__init__.__globals__}'.format(messages) }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
    ],
)
def test_a_template_reaches_nothing_but_its_turns(source: str) -> None:
    """jinja2's immutable sandbox: no attributes of Python's own, no files, no changed turns."""
    with pytest.raises(Refusal, match="template"):
        _rendered(source)


def test_an_honest_template_is_not_touched_by_the_bounds() -> None:
    source = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
    template = ChatTemplate(source, {})
    assert {template.render(CHAT) for _ in range(200)} == {"<user>hello"}


def test_only_the_main_thread_can_be_bounded() -> None:
    """A thread cannot be stopped, so nothing of a model's is run in one."""
    said: list[str] = []

    def work() -> None:
        try:
            with bounded():
                said.append("it ran")
        except RuntimeError as error:
            said.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert said == ["only the main thread can be stopped in its work"]


def test_a_run_with_such_a_template_fails_with_one_message(start: Start, llama: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(llama, model)
    (model / "chat_template.jinja").write_text(GREEDY[0])
    rows = tmp_path / "chat.jsonl"
    turns = [{"role": "user", "content": "1 + 1 ?"}, {"role": "assistant", "content": "2."}]
    rows.write_text((json.dumps({"messages": turns}) + "\n") * 20)
    end = start(model=str(model), data=str(rows)).end
    assert isinstance(end, ev.Failed)
    assert "template" in end.what
    assert end.findings[0].category == "template_or_special_tokens"


# --- files ---


def _grown(path: Path, size: int, head: bytes = b"{") -> None:
    """A file that says it holds `size` bytes, and takes none on the disk."""
    with path.open("wb") as file:
        file.write(head)
        file.truncate(size)


def _memory() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "generation_config.json"])
@pytest.mark.parametrize("bomb", ["deep", "large", "no object", "no text"])
def test_a_models_json_that_is_a_trap(
    start: Start, llama: Path, tmp_path: Path, name: str, bomb: str
) -> None:
    """Too deep, 2 GiB of it, a list, or bytes: the run fails by one message that names the file."""
    model = tmp_path / "model"
    shutil.copytree(llama, model)
    if bomb == "large":
        _grown(model / name, 2 << 30)
    else:
        (model / name).write_bytes({"deep": DEEP, "no object": b"[1]", "no text": b"\xff\xfe{"}[bomb])
    before = _memory()
    end = start(model=str(model)).end
    assert isinstance(end, ev.Failed)
    assert name in end.what
    assert end.do
    assert _memory() - before < 256 << 20


def test_a_tokenizer_of_two_gibibytes_is_not_read(llama: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(llama, model)
    _grown(model / "tokenizer.json", 2 << 30)
    before = _memory()
    with pytest.raises(Refusal, match="larger than 512 MiB"):
        ModelTokenizer(model)
    assert _memory() - before < 64 << 20


def test_a_chat_template_of_two_gibibytes_is_not_read(llama: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(llama, model)
    _grown(model / "chat_template.jinja", 2 << 30, b"x")
    before = _memory()
    with pytest.raises(Refusal, match="template"):
        ModelTokenizer(model)
    assert _memory() - before < 64 << 20


@pytest.mark.parametrize(
    "head",
    [
        (1 << 63).to_bytes(8, "little"),
        (99_999_999).to_bytes(8, "little"),
        (len(DEEP)).to_bytes(8, "little") + DEEP,
        (20).to_bytes(8, "little") + b'{"a":{"shape":"no"}}',
        b"\0" * 8,
        b"",
    ],
    ids=["endless", "longer than the file", "deep", "no shape", "empty", "nothing"],
)
def test_a_header_of_weights_that_lies(start: Start, adapter: Path, tmp_path: Path, head: bytes) -> None:
    """The header of .safetensors says its own length: no room is made for what is not there."""
    folder = tmp_path / "lying"
    shutil.copytree(adapter, folder)
    (folder / "adapter_model.safetensors").write_bytes(head)
    before = _memory()
    with pytest.raises(Problem, match="adapter"):
        saved_adapter(folder)
    end = start(adapter=str(folder)).end
    assert isinstance(end, ev.Failed)
    assert end.do
    assert _memory() - before < 256 << 20


@pytest.mark.parametrize("data", [DEEP, b"{" * 500_000, b"[]", b"\xff", b""])
def test_json_beside_a_model_is_read_or_refused_and_nothing_between(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "index.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r".+"):
        read_object(path)
    (tmp_path / "config.json").write_bytes(data)
    (tmp_path / "tokenizer.json").write_bytes(b"{}")
    (tmp_path / "model.safetensors.index.json").write_bytes(data)
    assert not is_whole(tmp_path)


def test_json_beside_a_model_has_a_size(tmp_path: Path) -> None:
    path = tmp_path / "index.json"
    _grown(path, LARGEST + 1)
    with pytest.raises(OSError, match="larger than"):
        read_object(path)
