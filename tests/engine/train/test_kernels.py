"""What is computed faster is what the plain modules compute."""

from __future__ import annotations

import copy

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora.layer import Linear
from torch import nn
from transformers import AutoModelForCausalLM
from transformers.activations import FastGELUActivation, NewGELUActivation

from engine.train.kernels import activation, cross_entropy, lora, packed_attention
from tests.engine.train.zoo import _SMALL, ZOO, _configured, small_config

IDS = torch.tensor([[5, 9, 31, 7, 2, 60, 11]])


@pytest.mark.parametrize("trains", [False, True], ids=["frozen head", "trainable head"])
@pytest.mark.parametrize("biased", [False, True], ids=["plain", "bias"])
@pytest.mark.parametrize("rows", [0, 1, 7, 23])
def test_the_loss_in_chunks_is_the_loss(rows: int, biased: bool, trains: bool) -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(50, 8) * 4, requires_grad=trains)
    bias = nn.Parameter(torch.randn(50), requires_grad=trains) if biased else None
    hidden = torch.randn(rows, 8, requires_grad=True)
    targets, shares = torch.randint(0, 50, (rows,)), torch.randn(rows)
    leaves = [leaf for leaf in (hidden, weight, bias) if leaf is not None and leaf.requires_grad]

    losses = cross_entropy.token_losses(hidden, weight, bias, targets, chunk=7 * 50)
    plain = nn.functional.cross_entropy(nn.functional.linear(hidden, weight, bias), targets, reduction="none")
    torch.testing.assert_close(losses, plain)
    if rows:
        found = torch.autograd.grad((losses * shares).sum(), leaves)
        right = torch.autograd.grad((plain * shares).sum(), leaves)
        for seen, expected in zip(found, right, strict=True):
            torch.testing.assert_close(seen, expected, rtol=1e-4, atol=1e-5)


def test_logits_beyond_what_exp_can_hold_have_a_loss() -> None:
    hidden = torch.tensor([[100.0], [-100.0]], requires_grad=True)
    losses = cross_entropy.token_losses(hidden, torch.tensor([[10.0], [-10.0]]), None, torch.tensor([0, 0]))
    assert losses.tolist() == [0.0, 2000.0]


def test_no_loss_is_kept_where_nothing_learns() -> None:
    with torch.no_grad():
        losses = cross_entropy.token_losses(
            torch.randn(3, 4), torch.randn(9, 4), None, torch.tensor([1, 2, 3])
        )
    assert not losses.requires_grad


@pytest.mark.parametrize("kind", ["mistral", "llama4_text"])
def test_packing_is_proved_beyond_what_a_token_sees(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short rows are alike to a kernel that is told of no window, or to which chunks are unknown."""
    chunks = {"intermediate_size": 48, "num_key_value_heads": 2, "head_dim": 8, "attention_chunk_size": 16,
              "intermediate_size_mlp": 48, "num_local_experts": 2, "pad_token_id": 0}  # fmt: skip
    config = small_config(kind) if kind == "mistral" else _configured(kind, {**_SMALL, **chunks})
    monkeypatch.setattr(packed_attention, "_window", lambda query, width: None)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    assert packed_attention.can_pack(model, 16)
    model.set_attn_implementation("sdpa")
    assert not packed_attention.can_pack(model, 64)
    assert model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("kind", sorted(ZOO))
def test_a_fused_adapter_learns_as_peft_does(kind: str) -> None:
    plain = _adapted(kind)
    fused = copy.deepcopy(plain)
    assert lora.fuse(fused) > 0
    activation.fuse(fused)
    found, right = (_gradients(model) for model in (fused, plain))
    assert found.keys() == right.keys()
    for name, gradient in right.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-4, msg=name)


def test_a_fused_adapter_computes_in_the_precision_around_it() -> None:
    plain = _adapted("llama")
    fused = copy.deepcopy(plain)
    lora.fuse(fused)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found, right = fused(input_ids=IDS).logits, plain(input_ids=IDS).logits
    assert found.dtype == right.dtype
    torch.testing.assert_close(found, right, rtol=0.05, atol=0.1)
    found.float().sum().backward()
    assert {p.grad.dtype for p in fused.parameters() if p.requires_grad} == {torch.float32}


def test_a_fused_adapter_can_be_left_out() -> None:
    model = _adapted("gpt2")
    base = copy.deepcopy(model.get_base_model())
    with model.disable_adapter():
        expected = model(input_ids=IDS).logits
    lora.fuse(model)
    with model.disable_adapter():
        assert torch.equal(model(input_ids=IDS).logits, expected)
    assert not torch.equal(model(input_ids=IDS).logits, expected)
    assert isinstance(base, nn.Module)


def test_a_fused_adapter_takes_what_has_no_tokens() -> None:
    """As an expert that nothing is sent to does, or the head on a rank without rows."""
    model = _adapted("llama")
    lora.fuse(model)
    layer = next(module for module in model.modules() if type(module) is Linear)
    nothing = torch.zeros(1, 0, layer.in_features, requires_grad=True)
    found = layer(nothing)
    assert found.shape == (1, 0, layer.out_features)
    found.sum().backward()


@pytest.mark.parametrize("words", [{"lora_dropout": 0.1}, {"use_dora": True}, {"lora_bias": True}], ids=str)
def test_other_adapters_stay_as_they_are(words: dict[str, object]) -> None:
    assert lora.fuse(_adapted("llama", **words)) == 0


@pytest.mark.parametrize("kind", [NewGELUActivation, FastGELUActivation])
def test_an_activation_is_the_same_function(kind: type[nn.Module]) -> None:
    holder = nn.Sequential(kind())
    values = torch.linspace(-8, 8, 1000)
    expected = holder(values)
    activation.fuse(holder)
    assert isinstance(holder[0], nn.GELU)
    torch.testing.assert_close(holder(values), expected, rtol=1e-5, atol=1e-6)


def _adapted(kind: str, **words: object) -> PeftModel:
    torch.manual_seed(0)
    base = AutoModelForCausalLM.from_config(small_config(ZOO[kind][0])).eval()
    config = LoraConfig(
        r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM",
        fan_in_fan_out=ZOO[kind][0] == "gpt2", **words,
    )  # fmt: skip
    model = get_peft_model(base, config).eval()
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.normal_(0.0, 0.05)
    return model


def _gradients(model: PeftModel) -> dict[str, torch.Tensor]:
    logits = model(input_ids=IDS).logits
    torch.log_softmax(logits.float(), dim=-1)[0, :, 3].sum().backward()
    return {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
