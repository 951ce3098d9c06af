"""A chat worker: both sides answer as plain transformers and peft would, on the same weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch

from engine.chat import prompt, spoken
from engine.chat.spoken import Ask, Begun, Piece, Ready, Sampling, Spec, Stop, Turn
from engine.data import ModelTokenizer
from engine.data.shapes import Chat
from engine.events import Form
from engine.problem import Problem
from tests.engine.chat.conftest import Talk, TestLine, ask

WORDS = "the quick brown fox"


def generated(model: Path, adapter: Path | None, text: str, new: int, form: Form = "verbatim") -> str:
    """What plain `generate` says, by the library's own loop."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    tokenizer = ModelTokenizer(model)
    loaded: Any = AutoModelForCausalLM.from_pretrained(model)
    if adapter is not None:
        loaded = PeftModel.from_pretrained(loaded, str(adapter))
    ids = prompt.written(tokenizer, [Turn("user", text)], form)
    taken = loaded.generate(
        torch.tensor([ids]), max_new_tokens=new, do_sample=False, eos_token_id=2, pad_token_id=0
    )
    taken = [int(token) for token in taken[0] if int(token) != 2]
    return tokenizer.decode(taken)[len(tokenizer.decode(ids)) :]


@pytest.mark.parametrize("form", ["verbatim", "chat"])
def test_each_side_answers_as_plain_generate_does(form: Form, talk: Talk, llama: Path, adapter: Path) -> None:
    line = talk(ask(WORDS, form=form, max_new_tokens=20))
    base, adapted = line.done("base"), line.done("adapter")
    assert base.text == generated(llama, None, WORDS, 20, form)
    assert adapted.text == generated(llama, adapter, WORDS, 20, form)
    assert base.text != adapted.text


def test_the_sides_take_turns_and_their_pieces_are_the_text(talk: Talk) -> None:
    line = talk(ask(WORDS))
    for side in spoken.SIDES:
        pieces = [said.text for said in line.of(Piece) if said.side == side]
        assert "".join(pieces) == line.done(side).text
    last_begun = max(i for i, said in enumerate(line.said) if isinstance(said, Begun))
    first_done = min(i for i, said in enumerate(line.said) if isinstance(said, spoken.Done))
    assert last_begun < first_done


def test_a_model_alone_has_one_side(talk: Talk, llama: Path) -> None:
    line = talk(ask(WORDS, "base"), spec=Spec(model=str(llama)))
    [ready] = line.of(Ready)
    assert ready.sides == ["base"]
    assert line.done("base").text == generated(llama, None, WORDS, 12)


def test_the_next_turn_goes_on_from_what_was_read(talk: Talk, llama: Path) -> None:
    first = talk(ask(WORDS, "base", form="chat"))
    history = (Turn("user", WORDS), Turn("assistant", first.done("base").text))
    second = ask("and now?", "base", number=2, form="chat", before=history)
    warm = talk(ask(WORDS, form="chat"), second)
    cold = talk(second)
    assert warm.done("base", 2).text == cold.done("base", 2).text


@pytest.mark.parametrize("how", [{"temperature": 1.0}, {"temperature": 0.9, "top_k": 20, "top_p": 0.9}])
def test_a_seed_decides_what_is_drawn(talk: Talk, how: dict[str, float]) -> None:
    asks = [ask(WORDS, "adapter", number=n, seed=seed, **how) for n, seed in enumerate((1, 1, 2))]
    line = talk(*asks)
    texts = [line.done("adapter", n).text for n in range(3)]
    assert texts[0] == texts[1] != texts[2]


def test_a_narrow_choice_is_the_likeliest_token(talk: Talk) -> None:
    greedy = ask(WORDS, "base", number=1)
    one = ask(WORDS, "base", number=2, temperature=1.0, top_k=1, seed=5)
    line = talk(greedy, one)
    assert line.done("base", 1).text == line.done("base", 2).text


def test_a_repetition_penalty_is_that_of_transformers(talk: Talk, llama: Path) -> None:
    from transformers import AutoModelForCausalLM

    line = talk(ask(WORDS, "base", repetition_penalty=1.5))
    tokenizer = ModelTokenizer(llama)
    ids = prompt.written(tokenizer, [Turn("user", WORDS)], "verbatim")
    model: Any = AutoModelForCausalLM.from_pretrained(llama)
    whole = model.generate(
        torch.tensor([ids]), max_new_tokens=12, do_sample=False, repetition_penalty=1.5, pad_token_id=0
    )
    expected = tokenizer.decode([int(token) for token in whole[0] if int(token) != 2])
    assert line.done("base").text == expected[len(tokenizer.decode(ids)) :]


def test_stop_ends_both_within_a_token(talk: Talk) -> None:
    line = talk(ask(WORDS, max_new_tokens=100), meanwhile={2: Stop()})
    for side in spoken.SIDES:
        assert line.done(side).stopped_by == "asked"
        assert line.done(side).tokens <= 1


def test_another_ask_ends_the_one_before(talk: Talk) -> None:
    second = ask(WORDS, "base", number=2)
    line = talk(ask(WORDS, number=1, max_new_tokens=100), meanwhile={2: second})
    assert line.done("base", 1).stopped_by == "asked"
    assert line.done("base", 2).stopped_by in ("stop", "length")


def test_length_and_context_end_an_answer_and_say_so(talk: Talk) -> None:
    short = ask(WORDS, "base", number=1, max_new_tokens=3)
    long = ask(f"{WORDS} " * 5, "base", number=2, max_new_tokens=500)
    line = talk(short, long)
    assert (line.done("base", 1).stopped_by, line.done("base", 1).tokens) == ("length", 3)
    done = line.done("base", 2)
    [begun] = [said for said in line.of(Begun) if said.number == 2]
    assert done.stopped_by == "context"
    assert begun.tokens + done.tokens == 128


def test_a_stop_token_ends_an_answer_and_is_not_said(talk: Talk, llama: Path, tmp_path: Path) -> None:
    ids = prompt.written(ModelTokenizer(llama), [Turn("user", WORDS)], "verbatim")
    first = ModelTokenizer(llama).encode(generated(llama, None, WORDS, 3))[0]
    folder = tmp_path / "stops"
    folder.mkdir()
    for file in llama.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "generation_config.json").unlink()
    (folder / "generation_config.json").write_text(f'{{"eos_token_id": [2, {first}]}}')
    line = talk(ask(WORDS, "base"), spec=Spec(model=str(folder)))
    assert line.done("base").stopped_by == "stop"
    assert line.done("base").text == ""
    assert ids


def test_oldest_turns_are_left_out_and_counted(llama: Path) -> None:
    tokenizer = ModelTokenizer(llama)
    turns = [Turn("system", "small birds")]
    turns += [Turn("user" if i % 2 == 0 else "assistant", f"{WORDS} {i}") for i in range(9)]
    ids, dropped = prompt.fitted(tokenizer, turns, "chat", 128, 64)
    text = tokenizer.decode(ids)
    assert dropped > 0
    assert dropped % 2 == 0
    assert len(ids) <= 96
    assert "small birds" in text
    assert f"{WORDS} 8" in text
    assert f"{WORDS} 0" not in text


def test_a_question_beyond_the_context_is_refused_and_the_chat_goes_on(talk: Talk) -> None:
    line = talk(ask(f"{WORDS} " * 60, "base", number=1), ask(WORDS, "base", number=2))
    [refused] = line.of(spoken.Refused)
    assert "128" in refused.problem["what"]
    assert line.done("base", 2).tokens > 0


def test_prompts_are_written_as_training_writes_them(llama: Path) -> None:
    tokenizer = ModelTokenizer(llama)
    plain = tokenizer.decode(prompt.written(tokenizer, [Turn("user", WORDS)], "chat"))
    assert plain == f"<s>### Instruction:\n{WORDS}\n\n### Response:\n"
    assert prompt.written(tokenizer, [Turn("user", WORDS)], "verbatim") == tokenizer.encode(
        WORDS, special=True
    )


@pytest.mark.parametrize(
    "source", [None, "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[answer]"]
)
def test_a_suggestion_is_what_a_person_would_type(source: str | None, llama: Path) -> None:
    from engine.data.template import ChatTemplate

    tokenizer = ModelTokenizer(llama)
    tokenizer.template = ChatTemplate(source, tokenizer.tokens)
    rendered = tokenizer.template.render(Chat([{"role": "user", "content": "Why?\nTell me."}]), prompt=True)
    assert prompt.suggestions(tokenizer, [rendered, rendered, "cut off"], "chat") == ["Why?\nTell me."]
    assert prompt.suggestions(tokenizer, [WORDS], "verbatim") == [WORDS]


@pytest.mark.parametrize(
    ("change", "word"),
    [({"adapter": "/nowhere/at/all"}, "adapter"), ({"model": "nobody/such-model"}, "not on this machine")],
)
def test_what_cannot_be_loaded_is_a_problem_with_words(
    change: dict[str, str], word: str, llama: Path, adapter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.chat.serve import serve

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    spec = msgspec.structs.replace(Spec(model=str(llama), adapter=str(adapter)), **change)
    with pytest.raises(Problem, match=word):
        serve(spoken.encode(spec), TestLine())


def test_bodies_survive_the_way() -> None:
    said: Ask = ask("ein Wörtchen 🦊", form="chat", temperature=0.5)
    assert spoken.to_worker(spoken.encode(said)) == said
    assert spoken.to_worker(b'{"say": "dance"}') is None
    assert isinstance(Sampling(), msgspec.Struct)


def test_a_base_is_held_as_it_was_in_the_run(
    llama: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bitsandbytes")
    from engine.chat.voices import Voices
    from engine.train.model.quantise import held_in

    monkeypatch.setenv("OPENLORA_HOME", str(tmp_path))
    (tmp_path / "runs" / "7").mkdir(parents=True)
    (tmp_path / "runs" / "7" / "recipe.yaml").write_text("model: m\ndata: d\nload_in_4bit: true\n")
    for run, held in (("7", "nf4, double"), ("", "")):
        voices = Voices(Spec(model=str(llama), adapter=str(adapter), run=run), "cpu")
        assert held_in(voices._model) == held
        assert voices.dtype == (f"float32, base in {held}" if held else "float32")
        for side in ("adapter", "base"):
            logits, _ = voices.logits(side, [5, 6, 7], None)
            assert logits.isfinite().all()
