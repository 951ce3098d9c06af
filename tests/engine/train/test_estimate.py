"""The exact estimate beside what a real step allocates, and what it answers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from engine.estimate.exact import Exact, exact
from engine.estimate.serve import estimate
from engine.hub.cache import read_json
from engine.memory import talk
from engine.memory.catalogue import config_of
from engine.memory.experience import Experience
from engine.memory.formula import BAND, predicted
from engine.memory.limit import Limit, given
from engine.problem import Problem
from engine.recipe.recipe import Recipe
from tests.benchmarks.counted import counted_peak
from tests.engine.train.conftest import sentence

LOWEST, HIGHEST = -0.02, 0.08
"""The bar on the signed error."""


@pytest.fixture(scope="module")
def long_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts that are longer than every row may be."""
    path = tmp_path_factory.mktemp("long") / "rows.jsonl"
    path.write_text("".join(json.dumps({"text": sentence(i, 200)}) + "\n" for i in range(24)))
    return path


def _recipe(model: Path, data: Path, **changes: Any) -> Recipe:
    small = {
        "max_length": 64,
        "lora_r": 4,
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2,
        "eval_split": 0.2,
        "devices": "cpu",
        "sample_steps": 0,
    }
    return Recipe(model=str(model), data=str(data), **{**small, **changes})


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of the proportions of real ones, as far as seconds allow: beside tiny ones a mask is large."""
    from transformers import AutoConfig, AutoModelForCausalLM

    like: Path = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("real") / request.param
    shutil.copytree(like, folder)
    config = AutoConfig.from_pretrained(like)
    config.update({"vocab_size": 4096, "num_hidden_layers": 5, "hidden_size": 64})
    if request.param == "llama":
        config.update({"intermediate_size": 160, "head_dim": 16})
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    "changes",
    [{}, {"gradient_checkpointing": True}, {"lora_dropout": 0.1, "gradient_accumulation_steps": 1},
     {"per_device_train_batch_size": 1, "mixed_precision": "bf16"}],
    ids=["plain", "checkpointing", "dropout", "one row in bf16"],
)  # fmt: skip
def test_the_predicted_peak_is_what_a_real_step_allocates(
    real: Path, changes: dict[str, Any], long_rows: Path, tmp_path: Path
) -> None:
    recipe = _recipe(real, long_rows, **changes)
    counted = counted_peak(recipe, tmp_path / "run")
    found = exact(recipe, read_json(real / "config.json"), cuda=False)
    assert LOWEST <= found.peak / counted - 1 <= HIGHEST


@pytest.mark.parametrize("method", ["adalora", "vera", "ia3", "prompt", "prefix", "bitfit", "full"])
def test_every_method_has_an_estimate(method: str) -> None:
    recipe = Recipe(model="gpt2", data="d.jsonl", method=method, max_length=64, devices="cpu")
    known = config_of("gpt2")
    assert known is not None
    assert exact(recipe, known, cuda=False).peak > 0


@pytest.mark.parametrize("model", ["gpt2", "google/gemma-3-270m"])
def test_two_depths_tell_what_the_whole_depth_takes(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_of(model)
    assert config is not None
    recipe = Recipe(model=model, data="rows", max_length=128, per_device_train_batch_size=2)
    extrapolated = exact(recipe, config, cuda=True)
    monkeypatch.setattr("engine.estimate.exact._DEPTHS", (2, 1_000))
    assert extrapolated.peak == pytest.approx(exact(recipe, config, cuda=True).peak, rel=0.01)


@pytest.mark.parametrize("recomputes", [False, True])
def test_blocks_that_carry_no_adapter_are_not_priced_as_if_they_did(
    monkeypatch: pytest.MonkeyPatch, *, recomputes: bool
) -> None:
    config = config_of("Qwen/Qwen2.5-0.5B")
    assert config is not None
    config = {**config, "num_hidden_layers": 10, "max_window_layers": 10}
    config.pop("layer_types", None)
    recipe = Recipe(model="m", data="d", max_length=256, per_device_train_batch_size=2,
                    layers_to_transform=[7, 9], gradient_checkpointing=recomputes)  # fmt: skip
    by_line = exact(recipe, config, cuda=True)
    monkeypatch.setattr("engine.estimate.exact._DEPTHS", (2, 1_000))
    whole = exact(recipe, config, cuda=True)
    assert by_line.adapter == whole.adapter
    assert by_line.peak == pytest.approx(whole.peak, rel=0.01)
    everywhere = predicted(replace(recipe, layers_to_transform=[]), config, cuda=True)
    formula = predicted(recipe, config, cuda=True)
    assert formula is not None
    assert everywhere is not None
    assert formula.adapter == pytest.approx(everywhere.adapter / 5)
    assert BAND[0] <= whole.peak / formula.peak <= BAND[1]


@pytest.mark.parametrize(("known", "wanted"), [((2, 4), 8), ((24, 28), 48), ((2, 4), 16), ((2, 4), 48)])
def test_two_numbers_of_rows_tell_what_others_take_with_as_many_chunks_of_logits(
    known: tuple[int, int], wanted: int
) -> None:
    config = config_of("gpt2")
    assert config is not None
    recipe = Recipe(model="gpt2", data="rows", max_length=128, per_device_train_batch_size=2)
    prices = Exact(config, cuda=True)
    for rows in known:
        prices.parts(replace(recipe, per_device_train_batch_size=rows))
    many = replace(recipe, per_device_train_batch_size=wanted)
    assert prices.parts(many).peak == pytest.approx(exact(many, config, cuda=True).peak, rel=0.01)


@pytest.mark.parametrize("model", ["gpt2", "falcon-rw-1b", "Qwen/Qwen3-0.6B", "facebook/opt-125m"])
@pytest.mark.parametrize("cuda", [True, False], ids=["card", "cpu"])
def test_the_formulas_band_holds_the_exact_figure(model: str, cuda: bool) -> None:
    config = config_of(model)
    assert config is not None
    recipe = Recipe(model=model, data="rows", max_length=512)
    quick = predicted(recipe, config, cuda=cuda)
    assert quick is not None
    low, high = BAND
    assert quick.peak * low <= exact(recipe, config, cuda=cuda).peak <= quick.peak * high


def test_falcon_1b_with_batch_8_of_2048_tokens_on_12_gb_is_answered_from_its_name_alone() -> None:
    recipe = Recipe(model="tiiuae/falcon-rw-1b", data="rows", per_device_train_batch_size=8, max_length=2048)
    answer = estimate(recipe, given("12GB"))
    assert answer.exact
    assert not answer.fits
    assert answer.parts.activations > answer.limit.bytes
    assert answer.largest in range(1, 8)
    change = answer.changes[0]
    assert change.peak <= answer.limit.bytes
    mended = estimate(replace(recipe, **change.patch.recipe), given("12GB"))
    assert mended.fits
    assert mended.peak == change.peak
    assert replace(recipe, **change.patch.recipe).batch_rows == recipe.batch_rows


def test_what_is_said_of_the_largest_micro_batch_is_true() -> None:
    recipe = Recipe(model="gpt2", data="rows", max_length=256, per_device_train_batch_size=2)
    answer = estimate(recipe, Limit(bytes=4 << 30, name="a card", cuda=True))
    assert answer.largest is not None
    prices = Exact(config_of("gpt2") or {}, cuda=True)
    fits, not_any_more = (
        prices.parts(replace(recipe, per_device_train_batch_size=rows)).peak
        for rows in (answer.largest, answer.largest + 1)
    )
    assert fits <= 4 << 30 < not_any_more


def test_a_model_of_a_kind_that_transformers_does_not_know_has_the_formulas_figure(tmp_path: Path) -> None:
    config = {"model_type": "never_heard_of", "hidden_size": 64, "num_hidden_layers": 2,
              "num_attention_heads": 4, "vocab_size": 100}  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    answer = estimate(Recipe(model=str(tmp_path), data="rows"), given("8GiB"))
    assert not answer.exact
    assert "never_heard_of" in answer.note
    assert answer.fits


def test_a_model_of_which_nothing_is_known_is_told_with_what_to_do() -> None:
    with pytest.raises(Problem, match="Nothing is known"):
        estimate(Recipe(model="nobody/nothing", data="rows"), given("8GiB"))


def test_the_side_job_answers_the_newest_wish(tmp_path: Path) -> None:
    from engine.estimate.serve import serve

    line = _Line(_ask(2, batch=2))
    serve(_ask(1, batch=4), line)
    assert [told.number for told in line.told] == [2]
    assert line.told[0].answer is not None
    assert line.told[0].answer.rows == 2


def test_the_side_job_tells_why_there_is_no_answer() -> None:
    from engine.estimate.serve import serve

    line = _Line()
    serve(_ask(1, model="nobody/nothing"), line)
    assert line.told[0].problem is not None
    assert "Nothing is known" in line.told[0].problem["what"]


def _ask(number: int, model: str = "distilgpt2", batch: int = 4) -> bytes:
    text = f"model: {model}\ndata: rows.jsonl\nmax_length: 64\nper_device_train_batch_size: {batch}\n"
    return talk.encode(talk.Ask(number=number, text=text, path="recipe.yaml", gpu_memory="8GiB"))


class _Line:
    """A front end that says these wishes one after the other, then no more."""

    device = "cpu"

    def __init__(self, *wishes: bytes) -> None:
        self._wishes = list(wishes)
        self.told: list[talk.Told] = []

    def say(self, body: bytes) -> None:
        self.told.append(talk.told(body))

    def hear(self, seconds: float = 0.0) -> bytes | None:
        return self._wishes.pop(0) if self._wishes else None


def test_past_runs_of_the_model_lead_the_exact_figure_to_what_they_made_of_the_formulas() -> None:
    recipe = Recipe(model="gpt2", data="rows", max_length=256, per_device_train_batch_size=2)
    machine = Limit(bytes=8 << 30, name="this machine", cuda=False)
    quick = predicted(recipe, config_of("gpt2") or {}, cuda=False)
    assert quick is not None
    past = Experience(factor=1.2, runs=5, same_model=True)
    answer = estimate(recipe, machine, past=past)
    assert answer.exact
    assert answer.corrected == pytest.approx(1.2 * quick.peak, abs=64)
    others = estimate(recipe, machine, past=replace(past, same_model=False))
    assert others.corrected is None
    assert others.peak == answer.peak
