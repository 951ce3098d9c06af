"""How many rows fit, and which one change makes a recipe fit; by any way of pricing a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

from msgspec.structs import replace

from engine.findings import Patch
from engine.memory.answer import Answer, Change
from engine.memory.experience import Experience
from engine.memory.limit import Limit
from engine.memory.parts import Parts
from engine.recipe.edit import written
from engine.recipe.recipe import Recipe

Price = Callable[[Recipe], Parts]

_MOST: Final = 512
"""Rows beyond which nobody asks."""
_TRIES: Final = 8
_CHANGES: Final = 3
_FOUR: Final = "weights in 4 bits (QLoRA): slower, and a little less exact"
_SHORTEST: Final = 128
"""Tokens below which hardly any answer is whole."""


def answered(
    recipe: Recipe,
    price: Price,
    limit: Limit,
    *,
    exact: bool,
    note: str = "",
    past: Experience | None = None,
) -> Answer:
    """The whole answer; `price` is asked some ten times."""
    parts = price(recipe)
    room = limit.bytes if past is None else past.room(limit)
    answer = Answer(
        parts=parts,
        limit=limit,
        rows=recipe.per_device_train_batch_size,
        length=recipe.max_length,
        exact=exact,
        largest=largest(recipe, price, room),
        note=note,
        past=past,
    )
    if answer.fits:
        return answer
    return replace(answer, changes=list(islice(_changes(recipe, price, answer, room), _CHANGES)))


def largest(recipe: Recipe, price: Price, limit: int) -> int:
    """Rows of `max_length` tokens of the largest micro-batch within `limit` bytes; 0 where not even one is.

    The peak is nearly a line over the rows, so each guess is where the line through two known points
    meets the limit.
    """
    peaks: dict[int, int] = {}
    guess = recipe.per_device_train_batch_size
    for _ in range(_TRIES):
        peaks[guess] = price(replace(recipe, per_device_train_batch_size=guess)).peak
        low = max((rows for rows, peak in peaks.items() if peak <= limit), default=0)
        high = min((rows for rows, peak in peaks.items() if peak > limit), default=_MOST + 1)
        if high - low <= 1:
            break
        guess = min(max(_crossing(peaks, limit), low + 1), high - 1)
    return low


def _crossing(peaks: dict[int, int], limit: int) -> int:
    """Where the line through the two points nearest to the limit meets it."""
    if len(peaks) == 1:
        [(rows, peak)] = peaks.items()
        return 2 * rows if peak <= limit else max(rows // 2, 1)
    (one, first), (two, second) = sorted(peaks.items(), key=lambda known: abs(known[1] - limit))[:2]
    slope = (second - first) / (two - one)
    return int(one + (limit - first) / slope) if slope > 0 else 2 * max(one, two)


def _changes(recipe: Recipe, price: Price, answer: Answer, limit: int) -> Iterator[Change]:
    """What makes it fit: first what leaves the result as it is, then what changes it."""
    fits = False
    sparing = {} if recipe.gradient_checkpointing else {"gradient_checkpointing": True}
    for values, why in (
        (_in_smaller_pieces(recipe, answer.largest or 0), "the same result, in more and smaller pieces"),
        (sparing, "the same result; each step computes the forward pass twice"),
    ):
        found = _priced(recipe, price, values, limit, why)
        if found is not None:
            fits = True
            yield found
    if fits:
        return
    four = None
    if answer.limit.cuda and not (recipe.load_in_4bit or recipe.load_in_8bit):
        narrow = {"load_in_4bit": True}
        four = _whole(recipe, price, narrow, limit, _FOUR)
        four = four or _whole(recipe, price, {**narrow, **sparing}, limit, _FOUR)
    slower = _whole(recipe, price, sparing, limit, "the same result, slower") if sparing else None
    for change in (slower, four):
        if change is not None:
            yield change
    if slower is None and four is None:
        yield from _shorter(recipe, price, limit, sparing)


def _whole(recipe: Recipe, price: Price, values: dict[str, Any], limit: int, why: str) -> Change | None:
    """The change to these values, in pieces as small as it needs then."""
    changed = replace(recipe, **values)
    found = _priced(recipe, price, values, limit, why)
    if found is not None:
        return found
    pieces = _in_smaller_pieces(changed, largest(changed, price, limit))
    return _priced(recipe, price, {**pieces, **values}, limit, why) if pieces else None


def _shorter(recipe: Recipe, price: Price, limit: int, sparing: dict[str, Any]) -> Iterator[Change]:
    """The longest rows that fit one by one, by halves."""
    batch, length = recipe.batch_rows, recipe.max_length // 2
    while length >= _SHORTEST:
        one = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": batch}
        values = {"max_length": length, **one, **sparing}
        found = _priced(recipe, price, values, limit, "longer rows are cut")
        if found is not None:
            yield found
            return
        length //= 2


def _in_smaller_pieces(recipe: Recipe, most: int) -> dict[str, Any]:
    """The same effective batch in micro-batches of at most `most` rows."""
    batch = recipe.batch_rows
    rows = next((rows for rows in range(min(most, batch), 0, -1) if batch % rows == 0), 0)
    if not 0 < rows < recipe.per_device_train_batch_size:
        return {}
    return {"per_device_train_batch_size": rows, "gradient_accumulation_steps": batch // rows}


def _priced(recipe: Recipe, price: Price, values: dict[str, Any], limit: int, why: str) -> Change | None:
    """The change to these values, where there is one and the recipe fits with it."""
    if not values:
        return None
    peak = price(replace(recipe, **values)).peak
    if peak > limit:
        return None
    said = (f"{name} {written(getattr(recipe, name))} -> {written(value)}" for name, value in values.items())
    return Change(patch=Patch(label=", ".join(said), recipe=values), why=why, peak=peak)
