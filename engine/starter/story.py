"""What the demo shows in the end: the same prompts, answered before and after."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine import events as ev


class Sample(msgspec.Struct, frozen=True):
    """One prompt that no training row has, and the model's answers to it."""

    prompt: str
    before: str
    after: str


def pairs(samples: Iterable[ev.Sampled]) -> list[Sample]:
    """The first and the last answer to each prompt; `after` is empty while there is only one round."""
    first: dict[str, ev.Sampled] = {}
    last: dict[str, ev.Sampled] = {}
    for sample in samples:
        first.setdefault(sample.prompt, sample)
        last[sample.prompt] = sample
    return [_sample(begun, last[prompt]) for prompt, begun in first.items()]


def _sample(first: ev.Sampled, last: ev.Sampled) -> Sample:
    after = last.text.strip() if last.step > first.step else ""
    return Sample(first.prompt, first.text.strip(), after)
