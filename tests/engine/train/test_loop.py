"""The loop as a whole: it learns, says what it does, and leaves an adapter that others can load."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch

from engine import events as ev
from engine.data import ModelTokenizer, prepare
from tests.engine.train.conftest import Run, Start


def test_learns_and_reports_each_step_once_in_order(start: Start) -> None:
    run = start(max_steps=25, eval_steps=10, sample_steps=10)

    assert isinstance(run.end, ev.Finished), run.end
    assert run.end.outcome == "succeeded"
    assert [s.step for s in run.of(ev.Step)] == list(range(1, 26))
    assert run.losses[-1] < run.losses[0] - 0.5
    assert run.end.loss == pytest.approx(math.fsum(run.losses[-10:]) / 10)
    assert [e.step for e in run.of(ev.Evaluated)] == [0, 10, 20, 25]
    assert {e.step for e in run.of(ev.Sampled)} == {0, 10, 20, 25}
    [plan] = run.of(ev.Planned)
    assert (plan.rows, plan.eval_rows, plan.batch_rows, plan.steps) == (36, 4, 8, 25)
    assert 0 < plan.label_tokens < plan.tokens


def test_flags_the_best_evaluation_only(start: Start) -> None:
    run = start(max_steps=12, eval_steps=3, learning_rate=0.05)
    best = math.inf
    for event in run.of(ev.Evaluated):
        assert event.best == (event.loss < best)
        best = min(best, event.loss)


@pytest.mark.parametrize("targets", ["all-linear", ["c_attn", "c_proj"]])
def test_gpt2_learns_like_llama(start: Start, gpt2: Path, targets: str | list[str]) -> None:
    run = start(model=str(gpt2), max_steps=10, target_modules=targets)
    assert isinstance(run.end, ev.Finished), run.end
    assert run.losses[-1] < run.losses[0]


def test_plain_peft_loads_the_adapter_and_gives_the_same_logits(start: Start, llama: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    run = start(max_steps=8)
    ids = torch.tensor([[1, 40, 50, 60, 70]])
    base = AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32).eval()
    before = base(ids).logits
    learnt = PeftModel.from_pretrained(base, str(run.job.adapter)).eval()
    state = {n: p for n, p in learnt.named_parameters() if "lora_" in n}
    assert len(state) == len(run.weights()) == 2 * 7 * 2
    for name, tensor in run.weights().items():
        part = name.replace(".weight", ".default.weight")
        assert torch.equal(state[part], tensor)
    assert not torch.allclose(learnt(ids).logits, before)

    tokenizer = ModelTokenizer(llama)
    held_out = prepare(run.job.recipe, tokenizer).eval
    assert held_out is not None
    total = 0.0
    for row in range(len(held_out)):
        tokens, mask = held_out.row(row)
        chances = torch.log_softmax(learnt(torch.tensor([tokens])).logits[0], dim=-1)
        total -= sum(float(chances[at - 1, tokens[at]]) for at in range(len(tokens)) if mask[at])
    assert total / held_out.label_tokens == pytest.approx(run.of(ev.Evaluated)[-1].loss, rel=1e-4)


def test_goes_on_from_an_adapter(start: Start) -> None:
    first = start("first", max_steps=10)
    second = start("second", max_steps=2, adapter=str(first.job.adapter), learning_rate=1e-5)
    assert isinstance(second.end, ev.Finished), second.end
    assert second.losses[0] < first.losses[0] - 0.2


def test_watching_leaves_no_trace_in_the_weights(start: Start) -> None:
    quiet = start("quiet", max_steps=5, lora_dropout=0.2)
    watched = start("watched", max_steps=5, lora_dropout=0.2, eval_steps=1, sample_steps=1, save_steps=2)
    assert watched.losses == quiet.losses
    for name, tensor in quiet.weights().items():
        assert torch.equal(tensor, watched.weights()[name]), name


def test_the_seed_decides_everything(start: Start) -> None:
    same = [start(name, lora_dropout=0.1, max_steps=3).losses for name in ("a", "b")]
    other = start("c", lora_dropout=0.1, max_steps=3, seed=7).losses
    assert same[0] == same[1] != other


def test_checkpointed_activations_give_the_same_losses(start: Start) -> None:
    plain = start("plain", lora_dropout=0.1, max_steps=3).losses
    thrifty = start("thrifty", lora_dropout=0.1, max_steps=3, gradient_checkpointing=True).losses
    assert thrifty == pytest.approx(plain, rel=1e-5)


def test_bf16_on_a_cpu_learns_with_fp32_adapter(start: Start) -> None:
    run = start(mixed_precision="bf16", max_steps=8)
    assert isinstance(run.end, ev.Finished), run.end
    assert {t.dtype for t in run.weights().values()} == {torch.float32}
    assert run.losses[-1] < run.losses[0]


def test_epochs_count_partial_batches_as_transformers_does(start: Start) -> None:
    # 36 rows in batches of 8 are 5 steps an epoch, the last of 4 rows.
    run = start(max_steps=-1, num_train_epochs=1.5)
    assert [round(s.epoch, 3) for s in run.of(ev.Step)] == [
        0.222,
        0.444,
        0.667,
        0.889,
        1.0,
        1.222,
        1.444,
        1.667,
    ]


def test_text_prompts_are_the_beginnings_of_held_out_rows(start: Start, tmp_path: Path, llama: Path) -> None:
    text = tmp_path / "book.txt"
    text.write_text("the quick brown fox jumps\nover a lazy dog\n" * 200)
    run = start(data=str(text), sample_steps=5, max_steps=2)
    samples = run.of(ev.Sampled)
    assert len(samples) == 4
    tokenizer = ModelTokenizer(llama)
    assert all(0 < len(tokenizer.encode(sample.prompt)) <= 16 for sample in samples)


def test_reporting_costs_little(start: Start) -> None:
    """What the loop does for its readers, against what a step of even this tiny model takes."""
    import time

    from engine.train.guard.ledger import Entry, Ledger
    from engine.train.journal import Journal

    run = start(max_steps=10)
    step_seconds = sorted(s.seconds for s in run.of(ev.Step))[5]
    ledger = Ledger(Journal(lambda event: None), scaled=False)
    figures = torch.tensor([1.0, 1.0, 0.0])
    began = time.perf_counter()
    for step in range(200):
        entry = Entry(
            step=step, rate=1e-3, rows=[1], tokens=9, label_tokens=9, epoch=0, seconds=0, micro_batches=1
        )
        ledger.enter(entry, figures)
    cost = (time.perf_counter() - began) / 200
    print(f"reporting {cost * 1e6:.0f} us of {step_seconds * 1e6:.0f} us a step")
    assert cost < step_seconds, "reporting may never cost more than the step itself"


def test_tiny_shakespeare_in_150_steps(shared: Path, tmp_path: Path) -> None:
    from engine.job import Job
    from engine.recipe.recipe import Recipe

    recipe = Recipe(
        model=str(shared / "models" / "stories260K"),
        data=str(shared / "data" / "tinyshakespeare" / "input.txt"),
        max_length=128,
        eval_split=0.01,
        learning_rate=1e-2,
        max_steps=150,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=1,
        eval_steps=0,
        sample_steps=0,
    )
    run = Run(Job(run="r", folder=tmp_path, recipe=recipe, device="cpu"))
    assert isinstance(run.end, ev.Finished), run.end
    before, after = (math.exp(event.loss) for event in run.of(ev.Evaluated))
    print(f"perplexity {before:.1f} -> {after:.1f}")
    assert 120 < before < 170
    assert after < 25


def test_a_chosen_template_is_proved_saved_with_the_adapter_and_used_by_chat(
    start: Start, llama: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    from engine.chat import prompt
    from engine.chat.spoken import Spec, Turn
    from engine.chat.voices import Voices

    rows = tmp_path / "chats.jsonl"
    turns = [{"role": "user", "content": "the quick"}, {"role": "assistant", "content": "brown fox"}]
    rows.write_text((json.dumps({"messages": turns}) + "\n") * 8)
    run = start(data=str(rows), max_steps=1, chat_template="mistral", eval_split=0)
    assert isinstance(run.end, ev.Finished), run.end

    # Another program finds the template where transformers keeps one, and writes the same.
    source = (run.job.adapter / "chat_template.jinja").read_text()
    theirs = AutoTokenizer.from_pretrained(llama).apply_chat_template(
        turns[:1], chat_template=source, add_generation_prompt=True, tokenize=False
    )
    voices = Voices(Spec(model=str(llama), adapter=str(run.job.adapter)), "cpu")
    asked = prompt.written(voices.tokenizer, [Turn("user", "the quick")], "chat")
    assert voices.tokenizer.decode(asked) == theirs
    assert theirs == "<s>[INST] the quick[/INST]"
