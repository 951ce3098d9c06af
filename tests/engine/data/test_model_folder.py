"""What a model's folder says about tokens before any row is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.data import ModelTokenizer
from engine.data.checks.model_folder import embedding_rows, folder_findings
from tests.engine.data.conftest import CHATML

Make = Callable[..., ModelTokenizer]
SOUND = "{{ bos_token }}" + CHATML


def titles(tokenizer: ModelTokenizer) -> list[str]:
    return [finding.title for finding in folder_findings(tokenizer)]


def test_a_sound_folder_has_no_findings(tokenizer: Make) -> None:
    assert titles(tokenizer(chat_template=SOUND, stops=[2, 4])) == []
    assert titles(tokenizer()) == [], "nor has one without a template"


@pytest.mark.parametrize(
    ("template", "stops", "said"),
    [
        (CHATML, [2, 4], "Conversations begin without <s>"),
        ("{{ bos_token }}" + SOUND, [2, 4], "Conversations begin with two <s>"),
        (SOUND, [2], "The chat template ends an answer with no token that stops the model"),
        (SOUND, [4], "Answers end with </s>, at which generation does not stop"),
        (
            "{{ raise_exception('no') }}",
            [2],
            "The chat template refuses a plain question and its answer",
        ),
    ],
)
def test_a_template_is_tried(tokenizer: Make, template: str, stops: list[int], said: str) -> None:
    assert titles(tokenizer(chat_template=template, stops=stops)) == [said]


def test_an_end_token_that_the_vocabulary_does_not_know(tokenizer: Make) -> None:
    [finding] = folder_findings(tokenizer(eos_token="<end>"))
    assert finding.title == "The tokenizer has no token that ends a text"
    assert any("<end>" in line for line in finding.evidence)


def test_pad_equals_eos_is_said_with_what_happens_here(tokenizer: Make) -> None:
    [finding] = folder_findings(tokenizer(pad_token="</s>"))
    assert (finding.category, finding.severity) == ("padding_token", "note")
    assert "by place" in finding.cause


@pytest.mark.parametrize("inner", [False, True])
def test_tokens_without_an_embedding_are_named(tokenizer: Make, inner: bool) -> None:
    made = tokenizer()

    def embeds(rows: int) -> None:
        config = {"vocab_size": rows}
        (made.folder / "config.json").write_text(json.dumps({"text_config": config} if inner else config))

    embeds(made.size - 3)
    assert embedding_rows(made.folder) == made.size - 3
    [finding] = folder_findings(made)
    assert finding.category == "tokenizer_vocab_resize"
    assert finding.title == "3 tokens of the tokenizer have no embedding"
    assert made.written(made.size - 1) in finding.evidence[1]
    embeds(made.size)
    assert folder_findings(made) == []


def test_a_configuration_that_cannot_be_read_is_not_this_check_s_business(tokenizer: Make) -> None:
    made = tokenizer()
    (made.folder / "config.json").write_text("{")
    assert embedding_rows(made.folder) is None
    assert folder_findings(made) == []


@pytest.mark.parametrize("model", ["stories260K", "aidreams260K"])
def test_real_models_are_sound(model: str) -> None:
    folder = Path("../shared/models") / model
    if not folder.is_dir():
        pytest.skip("no ../shared")
    found = folder_findings(ModelTokenizer(folder))
    assert [finding.title for finding in found if finding.severity != "note"] == []
