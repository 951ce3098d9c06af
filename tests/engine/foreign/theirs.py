"""What Axolotl and LLaMA-Factory make of rows, told anew from their sources, with nothing of ours in it.

Axolotl: prompters.py and prompt_tokenizers.py (alpaca), prompt_strategies/chat_template.py (find_turn, the
end tokens), utils/trainer.py (drop_long_seq). LLaMA-Factory: data/converter.py, data/template.py (_encode),
data/processor/supervised.py and processor_utils.py (infer_seqlen).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tokenizers import Tokenizer

Encoded = tuple[list[int], list[int]]
"""Ids and labels, -100 where nothing is learnt."""
Slot = str | set[str]
_BELOW = "Below is an instruction that describes a task"
_ASKED = "Write a response that appropriately completes the request."


class Words:
    """A tokenizer as both trainers hold one.

    Args:
        tokenizer: the library's.
        bos, eos: the texts of the tokens that begin and end.
    """

    def __init__(self, tokenizer: Tokenizer, bos: str, eos: str) -> None:
        self.tokenizer = tokenizer
        self.bos, self.eos = tokenizer.token_to_id(bos), tokenizer.token_to_id(eos)

    def encode(self, text: str, *, special: bool) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=special).ids)


# --- Axolotl ---


def axolotl_alpaca(words: Words, row: dict[str, str], sequence_len: int) -> Encoded | None:
    """`type: alpaca`; None for a row that is dropped."""
    if row.get("input"):
        head = f"{_BELOW}, paired with an input that provides further context. {_ASKED}"
        turn = f"### Instruction:\n{row['instruction']}\n\n### Input:\n{row['input']}\n\n### Response:\n"
    else:
        head, turn = f"{_BELOW}. {_ASKED}", f"### Instruction:\n{row['instruction']}\n\n### Response:\n"
    prompt = words.encode(f"{head}\n\n{turn}", special=True)[:sequence_len]
    answer = words.encode(row["output"], special=True)[:sequence_len]
    if answer[-1] != words.eos and len(answer) < sequence_len:
        answer.append(words.eos)
    if answer[0] == words.bos:
        answer = answer[1:]
    ids = prompt + answer
    return (ids, [-100] * len(prompt) + answer) if 2 <= len(ids) <= sequence_len else None


def axolotl_chat(
    words: Words, messages: list[dict[str, str]], render: Callable[[list[dict[str, str]]], str]
) -> Encoded:
    """`type: chat_template` with its defaults: roles_to_train [assistant], train_on_eos turn."""

    def built(turns: list[dict[str, str]]) -> list[int]:
        return words.encode(render(turns), special=False)

    ids = built(messages)
    labels = [-100] * len(ids)
    for index, turn in enumerate(messages):
        if turn["role"] != "assistant":
            continue
        full = built(messages[: index + 1])
        dummy = built([*messages[:index], {"role": turn["role"], "content": "[[dummy_message]]"}])
        shorter = min(len(full), len(dummy))
        start = next(i for i in range(shorter) if full[i] != dummy[i])
        end = next(len(full) - i for i in range(shorter) if full[-1 - i] != dummy[-1 - i])
        labels[start:end] = ids[start:end]
        eos = next((i for i in range(end, len(ids)) if ids[i] == words.eos), -1)
        if eos != -1 and abs(eos - end) <= 3:
            labels[eos] = ids[eos]
    return ids, labels


# --- LLaMA-Factory ---


class Template:
    """A template of LLaMA-Factory; `{content}` is what a turn says, a set names a special token."""

    def __init__(
        self,
        user: Sequence[Slot],
        assistant: Sequence[Slot] = ("{content}", {"eos"}),
        system: str = "{content}",
        prefix: Sequence[Slot] = (),
        default: str = "",
        fused: bool = False,
    ) -> None:
        self.user, self.assistant, self.system, self.prefix = user, assistant, system, prefix
        self.default, self.fused = default, fused

    def pairs(
        self, words: Words, turns: list[tuple[str, str]], system: str
    ) -> list[tuple[list[int], list[int]]]:
        system = system or self.default
        found = []
        for number, (asked, answered) in enumerate(turns):
            slots: list[Slot] = []
            if number == 0:
                slots += self.prefix
                head = self.system.replace("{content}", system) if system else ""
                if self.fused:
                    asked = head + asked
                elif head:
                    slots.append(head)
            source = self._ids(words, [*slots, *self._filled(self.user, asked)])
            found.append((source, self._ids(words, self._filled(self.assistant, answered))))
        return found

    @staticmethod
    def _filled(slots: Sequence[Slot], content: str) -> list[Slot]:
        return [slot.replace("{content}", content) if isinstance(slot, str) else slot for slot in slots]

    @staticmethod
    def _ids(words: Words, slots: Sequence[Slot]) -> list[int]:
        ids: list[int] = []
        for slot in slots:
            if isinstance(slot, str):
                ids += words.encode(slot, special=False) if slot else []
            else:
                ids.append(words.bos if "bos" in slot else words.eos)
        return ids


def llamafactory(
    template: Template,
    words: Words,
    turns: list[tuple[str, str]],
    system: str,
    cutoff_len: int,
    *,
    mask_history: bool = False,
    train_on_prompt: bool = False,
) -> Encoded:
    """Supervised rows, not packed."""
    pairs = template.pairs(words, turns, system)
    if mask_history:
        pairs = pairs[::-1]
    ids: list[int] = []
    labels: list[int] = []
    for number, (source, target) in enumerate(pairs):
        if len(ids) >= cutoff_len:
            break
        asked, answered = _infer_seqlen(len(source), len(target), cutoff_len - len(ids))
        source, target = source[:asked], target[:answered]
        source_label = source if train_on_prompt else [-100] * asked
        target_label = [-100] * answered if mask_history and number else target
        if mask_history:
            ids, labels = source + target + ids, source_label + target_label + labels
        else:
            ids, labels = ids + source + target, labels + source_label + target_label
    return ids, labels


def llamafactory_alpaca(row: dict[str, Any]) -> tuple[list[tuple[str, str]], str]:
    """The turns of an Alpaca row, and its system turn."""
    asked = "\n".join(part for part in (row["instruction"], row.get("input", "")) if part)
    return [(asked, row["output"])], ""


def _infer_seqlen(source_len: int, target_len: int, cutoff_len: int) -> tuple[int, int]:
    if target_len * 2 < cutoff_len:
        max_target_len = cutoff_len
    elif source_len * 2 < cutoff_len:
        max_target_len = cutoff_len - source_len
    else:
        max_target_len = int(cutoff_len * (target_len / (source_len + target_len)))
    new_target_len = min(max_target_len, target_len)
    return min(max(cutoff_len - new_target_len, 0), source_len), new_target_len
