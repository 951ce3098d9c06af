"""What goes wrong between rows and tokens is counted, with the first places."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data import ModelTokenizer
from engine.data.inspect import Inspection
from engine.findings import Finding
from tests.engine.data.conftest import CHATML

Make = Callable[..., ModelTokenizer]
SOUND = "{{ bos_token }}" + CHATML
LONG = "the quick brown fox says hello to the world and to all"


def found(folder: Path, tokenizer: ModelTokenizer | None, *rows: Any) -> dict[str, Finding]:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inspection = Inspection([file], tokenizer, model="tiny")
    list(inspection.steps())
    report = inspection.report()
    assert report.problem is None
    for finding in report.findings(1024):
        if finding.count and finding.check in ("bos_twice", "no_bos", "beyond", "special_id", "roles"):
            assert len(inspection.checks.numbers(finding.check) or ()) == finding.count
    return {finding.check: finding for finding in report.findings(1024)}


def chat(*turns: str, first: str = "user") -> dict[str, Any]:
    roles = ["user", "assistant"] if first == "user" else ["assistant", "user"]
    return {"messages": [{"role": roles[at % 2], "content": text} for at, text in enumerate(turns)]}


CHATS = (chat("hello", "world"), chat("the fox", "says hello", "the world", LONG))


def test_sound_rows_have_no_findings(tokenizer: Make, tmp_path: Path) -> None:
    assert found(tmp_path, tokenizer(chat_template=SOUND, stops=[2, 4]), *CHATS) == {}
    assert found(tmp_path, tokenizer(), *CHATS) == {}


def test_conversations_without_bos_are_told(tokenizer: Make, tmp_path: Path) -> None:
    finding = found(tmp_path, tokenizer(chat_template=CHATML, stops=[2, 4]), *CHATS)["no_bos"]
    assert finding.title == "2 of 2 rows begin without <s>"
    assert "{{ bos_token }}" in finding.remedy


def test_rows_that_hold_bos_themselves_get_it_twice(tokenizer: Make, tmp_path: Path) -> None:
    rows = ({"prompt": "<s><s>hello", "completion": "world"}, {"prompt": "<s>hello", "completion": "world"})
    finding = found(tmp_path, tokenizer(), *rows)["bos_twice"]
    assert (finding.count, finding.places) == (1, [f"{tmp_path}/rows.jsonl:1"])


def test_ids_beyond_the_embedding_table_stop_the_run_only_where_rows_hold_them(
    tokenizer: Make, tmp_path: Path
) -> None:
    made = tokenizer()
    (made.folder / "config.json").write_text(json.dumps({"vocab_size": made.size - 1}))
    last = made.decode([made.size - 1])
    rows = [{"text": LONG}, {"text": f"{LONG} {last}"}]
    found_ = found(tmp_path, made, *rows)
    assert found_["beyond"].severity == "blocker"
    assert found_["beyond"].count == sum(made.size - 1 in made.encode(row["text"]) for row in rows)


def test_control_tokens_inside_turns_are_told_once(tokenizer: Make, tmp_path: Path) -> None:
    struck = chat("what was <s>hello</s> before", "hello")
    said = found(tmp_path, tokenizer(chat_template=SOUND, stops=[2, 4]), *CHATS, struck)
    assert "special_token" not in said, "without a model this is HTML"
    assert (said["special_id"].count, said["special_id"].places) == (1, [f"{tmp_path}/rows.jsonl:3"])
    assert said["special_id"].evidence[0] == "<s>: 1 row"
    plain = chat("what is <|im_end|> for", "hello")
    said = found(tmp_path, tokenizer(chat_template=SOUND, stops=[2, 4]), *CHATS, plain)
    assert said["special_token"].count == 1
    assert "special_id" not in said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (chat("hello", "world", first="assistant"), "turn 1 is of assistant, the first"),
        (
            {
                "messages": [
                    {"role": "user", "content": "a"},
                    {"role": "user", "content": "b"},
                    {"role": "assistant", "content": "c"},
                ]
            },
            "turn 2 is of user, behind one of user",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": "a"},
                    {"role": "system", "content": "b"},
                    {"role": "assistant", "content": "c"},
                ]
            },
            "turn 2 is of system, behind one of user",
        ),
    ],
)
def test_turns_out_of_order_are_told_without_a_model(tmp_path: Path, row: Any, said: str) -> None:
    finding = found(tmp_path, None, *CHATS, row)["roles"]
    assert finding.evidence == [f"{tmp_path}/rows.jsonl:3  {said}"]
    assert finding.patch is not None
    assert finding.patch.data == ["drop=roles"]


def test_tools_and_what_developers_say_are_in_order(tmp_path: Path) -> None:
    turns = ["developer", "user", "assistant", "tool", "tool", "assistant", "user", "assistant"]
    row = {"messages": [{"role": role, "content": "hello"} for role in turns]}
    assert found(tmp_path, None, row) == {}


def test_a_script_that_the_vocabulary_lacks_is_told(shared: Path, tmp_path: Path) -> None:
    """stories260K knows English, and takes everything else apart into bytes."""
    made = ModelTokenizer(shared / "models" / "stories260K")
    text = "人工智能是计算机科学、心理学、哲学等学科融合的交叉学科，人工智能是计算机科学的一个分支。"
    assert "dense" not in found(tmp_path, made, {"text": LONG}, {"text": LONG.upper()})
    finding = found(tmp_path, made, {"text": LONG}, {"text": text})["dense"]
    assert (finding.severity, finding.count) == ("note", 1)


def test_characters_that_vanish_are_told(tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path / "model"
    folder.mkdir()
    made = Tokenizer(models.BPE({letter: at for at, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}, []))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "z"}')
    said = found(
        tmp_path, ModelTokenizer(folder), {"text": LONG}, {"text": "über größere Städte zögen Vögel hoch"}
    )
    assert (said["unknown"].severity, said["unknown"].count) == ("warning", 1)
