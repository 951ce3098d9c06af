"""Steps that leave rows out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from engine.data.checks.duplicates import canonical
from engine.data.checks.leakage import LEAKED, NEARLY
from engine.data.checks.prompts import CONFLICTS
from engine.data.checks.seen import said, seen
from engine.data.checks.table import ROW_CHECKS
from engine.data.encode import draft, labelled
from engine.data.mend.setting import Setting
from engine.data.mend.step import Note, Rows, Work
from engine.data.refusal import Refusal
from engine.data.row import Row
from engine.problem import Problem

Flaw = Callable[[Row], bool]

_CHECKS: Final = {check.name: check for check in ROW_CHECKS if check.drops}
_OTHERS: Final = ("empty", "refused", "too_long", LEAKED, NEARLY, CONFLICTS)
DROPPED: Final = (*_OTHERS, *_CHECKS)
"""What `drop=` takes."""


def dedup(_: str, setting: Setting) -> Work:
    """Keep the first of equal rows."""

    def work(rows: Rows, note: Note) -> Iterator[Row]:
        met: set[int] = set()
        for row in rows():
            number = hash(canonical(row.values))
            if number in met:
                note.dropped.add(row.where)
                continue
            met.add(number)
            yield row

    return work


def near_dedup(_: str, setting: Setting) -> Work:
    """Keep the first of the rows that say nearly the same."""

    def texts(rows: Rows) -> Iterator[tuple[int, str]]:
        examples = enumerate(map(setting.example, rows()))
        return ((number, said(example)) for number, example in examples if example is not None)

    def work(rows: Rows, note: Note) -> Iterator[Row]:
        # Imported on use: numpy takes a tenth of a second.
        from engine.data.likeness.similar import Similar

        similar = Similar()
        for number, text in texts(rows):
            similar.add(number, text)
        beyond = similar.beyond_first(lambda wanted: picked(texts(rows), wanted))
        for number, row in enumerate(rows()):
            if number in beyond:
                note.dropped.add(row.where)
            else:
                yield row

    return work


def picked(texts: Iterator[tuple[int, str]], wanted: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Those of the numbered texts whose numbers (ascending) are wanted."""
    rest = iter(wanted)
    sought = next(rest, None)
    for number, text in texts:
        if sought is None:
            return
        if number == sought:
            yield number, text
            sought = next(rest, None)


def drop(names: str, setting: Setting) -> Work:
    """Leave out the rows that have one of these flaws.

    Raises:
        Problem: there is no such flaw, or the model that would tell is not named.
    """
    flaws = [_flaw(name.strip(), setting) for name in names.split(",")]

    def work(rows: Rows, note: Note) -> Iterator[Row]:
        for row in rows():
            if any(flaw(row) for flaw in flaws):
                note.dropped.add(row.where)
            else:
                yield row

    return work


def _flaw(name: str, setting: Setting) -> Flaw:
    if name in _CHECKS:
        look = _CHECKS[name].look
        return lambda row: bool((example := setting.example(row)) and look(seen(row, example)))
    if name == "empty":
        return lambda row: setting.understood(row) and setting.example(row) is None
    if name == "refused":
        return lambda row: not setting.understood(row)
    if name in (LEAKED, NEARLY, CONFLICTS):
        places = setting.conflicting() if name == CONFLICTS else setting.leaked(name)
        return lambda row: row.where in places
    if name == "too_long":
        return _too_long(setting)
    raise Problem(
        f"There is no check called {name}.",
        where=f"--apply drop={name}",
        do=f"Use one of: {', '.join(DROPPED)}.",
    )


def _too_long(setting: Setting) -> Flaw:
    """Rows of whose answers training would cut something off."""
    tokenizer = setting.tokenizer("drop=too_long")

    def flaw(row: Row) -> bool:
        example = setting.example(row)
        if example is None:
            return False
        try:
            [whole] = labelled([draft(row, example, tokenizer)], tokenizer)
        except Refusal:
            return False
        cut = len(whole.ids) > setting.max_length
        return cut and whole.made.spans is not None and whole.mask.count(1, setting.max_length) > 0

    return flaw
