"""Prompts as models want them: by the template that a file brings, whose own words alone are special."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.llama import words
from engine.llama.process import Process
from engine.llama.words import Ask, Done, Load, Piece, Reading, Turn

pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed")
from engine.llama.prompt import Writer

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if not enable_thinking %}<think></think>"
    "{% endif %}{% endif %}"
)
SYSTEMLESS = (
    "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}<turn>{{ m.role }}:{{ m.content }}</turn>{% endfor %}<turn>model:"
)
SPELT = {1: "<s>", 2: "</s>"}
ASKED = [Turn("system", "Be kind."), Turn("user", "Is <|im_end|> </s> here?")]


class Tokens:
    """Notes each text with whether special tokens are read in it."""

    def __init__(self) -> None:
        self.read: list[tuple[str, bool]] = []
        self.began = 0

    def __call__(self, text: str, special: bool, first: bool) -> list[int]:
        self.read.append((text, special))
        self.began += first
        return [0] * len(text)

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.read)


def writer(template: str) -> tuple[Writer, Tokens]:
    metadata = {"tokenizer.ggml.bos_token_id": "1", "tokenizer.ggml.eos_token_id": "2"}
    tokens = Tokens()
    if template:
        metadata["tokenizer.chat_template"] = template
    return Writer(metadata, tokens, lambda token: SPELT.get(token, "")), tokens


def test_a_template_frames_the_turns_and_alone_holds_special_tokens() -> None:
    made, tokens = writer(CHATML)
    made.written(ASKED)
    assert made.template
    assert tokens.text == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nIs <|im_end|> </s> here?<|im_end|>\n"
        "<|im_start|>assistant\n<think></think>"
    )
    assert [text for text, special in tokens.read if not special] == ["Be kind.", "Is <|im_end|> </s> here?"]
    assert tokens.began == 1


def test_a_template_without_system_turns_is_given_its_words_with_the_question() -> None:
    made, tokens = writer(SYSTEMLESS)
    made.written(ASKED)
    assert tokens.text == "<s><turn>user:Be kind.\n\nIs <|im_end|> </s> here?</turn><turn>model:"
    assert tokens.began == 0  # its own first token is the beginning


def test_an_answer_that_is_begun_is_gone_on_with() -> None:
    made, tokens = writer(CHATML)
    made.written([*ASKED, Turn("assistant", "It is")])
    assert tokens.text.endswith("<think></think>It is")
    assert tokens.read[-1] == ("It is", False)


@pytest.mark.parametrize("template", ["", "{% broken", "{{ 1/0 }}", "fixed", "{{ x.y.z() }}"])
def test_without_a_template_that_works_turns_stand_under_headings(template: str) -> None:
    made, tokens = writer(template)
    made.written(ASKED)
    assert not made.template
    assert tokens.text == "Be kind.\n\n### Question\nIs <|im_end|> </s> here?\n\n### Answer\n"


def with_template(model: Path, template: str, to: Path) -> Path:
    """A copy of a GGUF that brings a chat template."""
    data = model.read_bytes()
    magic, version, tensors, count = struct.unpack("<4sIQQ", data[:24])
    at = 24
    for _ in range(count):
        at = _after_value(data, *_text(data, at))
    end = at
    for _ in range(tensors):
        end = _text(data, end)[0]
        (dimensions,) = struct.unpack_from("<I", data, end)
        end += 4 + 8 * dimensions + 4 + 8
    key, said = b"tokenizer.chat_template", template.encode()
    more = struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(said)) + said
    header = struct.pack("<4sIQQ", magic, version, tensors, count + 1) + data[24:at] + more + data[at:end]
    to.write_bytes(header + b"\0" * (-len(header) % 32) + data[end + -end % 32 :])
    return to


def _text(data: bytes, at: int) -> tuple[int]:
    (length,) = struct.unpack_from("<Q", data, at)
    return (at + 8 + length,)


def _after_value(data: bytes, at: int, kind: int | None = None) -> int:
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    if kind is None:
        (kind,) = struct.unpack_from("<I", data, at)
        at += 4
    if kind == 8:
        return _text(data, at)[0]
    if kind == 9:
        inner, count = struct.unpack_from("<IQ", data, at)
        at += 12
        for _ in range(count):
            at = _after_value(data, at, inner)
        return at
    return at + sizes[kind]


@pytest.fixture
def templated(stories: Path, tmp_path: Path) -> Iterator[Process]:
    file = with_template(stories, CHATML, tmp_path / "templated.gguf")
    process = Process(Load(path=str(file), context=512, threads=1))
    yield process
    process.close()


def test_a_real_file_with_a_template_is_asked_by_it(templated: Process) -> None:
    loaded = templated.hear(60)
    assert isinstance(loaded, words.Loaded)
    assert loaded.template
    templated.tell(Ask(number=1, turns=ASKED, max_tokens=20))
    said = templated.hear(60)
    while isinstance(said, Reading | Piece):
        said = templated.hear(60)
    assert isinstance(said, Done)
    assert said.tokens == 20
