"""The conditions of a filter: `lang == en and (score >= 3 or votes > 10)`; a small language, no code."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from engine.mapping.path import MISSING, said
from engine.mapping.template import Misspelt

Lookup = Callable[[str], Any]
Test = Callable[[Lookup], bool]

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<op>==|!=|<=|>=|<|>|=)|(?P<mark>[()\[\],])|(?P<text>"[^"]*"|'[^']*')"""
    r"""|\{(?P<name>[^{}]+)\}|(?P<word>[^\s()\[\],<>=!"'{}]+)|(?P<bad>\S))"""
)
_MOST: Final = 500
"""Words of a condition; a person writes some dozens."""
_DEEPEST: Final = 30
_DO: Final = "Write it as `column == value`, with and, or, not, in, contains, is empty."
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


class _Token(NamedTuple):
    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.text.lower() in words


class Condition:
    """A condition, ready to be asked of rows.

    Raises:
        Misspelt: what cannot be understood.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.paths: list[str] = []
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._test = self._either()
        if self._at < len(self._tokens):
            raise Misspelt(f"`{self._tokens[self._at].text}` is not expected there: {_DO}")

    def holds(self, lookup: Lookup) -> bool:
        """True where the row whose values `lookup` gives fulfils it."""
        return self._test(lookup)

    def _either(self) -> Test:
        tests = [self._both()]
        while self._word("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda lookup: any(test(lookup) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._word("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda lookup: all(test(lookup) for test in tests)

    def _one(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Misspelt("it is nested too deep")
        try:
            if self._word("not"):
                test = self._one()
                return lambda lookup: not test(lookup)
            if self._mark("("):
                test = self._either()
                if not self._mark(")"):
                    raise Misspelt("`(` is never closed")
                return test
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Test:
        path = self._name()
        self.paths.append(path)
        token = self._next(f"`{path}` is compared with nothing")
        if token.kind == "op":
            return _compared(path, "==" if token.text == "=" else token.text, self._value())
        if token.is_word("is"):
            negated = self._word("not")
            if not self._word("empty"):
                raise Misspelt(f"`is` goes with `empty`: {_DO}")
            return lambda lookup: (not said(lookup(path)).strip()) is not negated
        negated = token.is_word("not")
        if negated:
            token = self._next(f"`{path} not` is not finished")
        if token.is_word("contains"):
            wanted = self._value().lower()
            return lambda lookup: (wanted in said(lookup(path)).lower()) is not negated
        if token.is_word("in"):
            same = [_compared(path, "==", value) for value in self._list()]
            return lambda lookup: any(test(lookup) for test in same) is not negated
        raise Misspelt(f"`{token.text}` is no comparison: {_DO}")

    def _list(self) -> list[str]:
        if not self._mark("["):
            raise Misspelt("`in` goes with a list such as [en, de]")
        values = [self._value()]
        while self._mark(","):
            values.append(self._value())
        if not self._mark("]"):
            raise Misspelt("`[` is never closed")
        return values

    def _name(self) -> str:
        token = self._next("a column is missing")
        if token.kind not in ("word", "name", "text"):
            raise Misspelt(f"`{token.text}` is no column: {_DO}")
        return token.text

    def _value(self) -> str:
        token = self._next("a value is missing")
        if token.kind not in ("word", "text"):
            raise Misspelt(f"`{token.text}` is no value: {_DO}")
        return token.text

    def _next(self, why: str) -> _Token:
        if self._at >= len(self._tokens):
            raise Misspelt(f"{why}: {_DO}")
        self._at += 1
        return self._tokens[self._at - 1]

    def _word(self, word: str) -> bool:
        return self._take(lambda token: token.is_word(word))

    def _mark(self, mark: str) -> bool:
        return self._take(lambda token: token == _Token("mark", mark))

    def _take(self, fits: Callable[[_Token], bool]) -> bool:
        found = self._at < len(self._tokens) and fits(self._tokens[self._at])
        self._at += found
        return found


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "bad"
        word = match.group(kind)
        if kind == "bad":
            raise Misspelt(f"`{word}` is not expected there: {_DO}")
        found.append(_Token(kind, word[1:-1] if kind == "text" else word))
        if len(found) > _MOST:
            raise Misspelt(f"it has more than {_MOST} words")
    if not found:
        raise Misspelt(f"it is empty: {_DO}")
    return found


def _compared(path: str, op: str, wanted: str) -> Test:
    """A comparison as numbers where both are numbers, else as texts; nothing is neither less nor more."""
    number = _number(wanted)

    def test(lookup: Lookup) -> bool:
        value = lookup(path)
        text = said(value).strip()
        if op in ("==", "!="):
            mine = _number(text) if number is not None else None
            same = mine == number if mine is not None else text == wanted or (
                isinstance(value, bool) and text == wanted.lower()
            )  # fmt: skip
            return same is (op == "==")
        if value is MISSING or not text:
            return False
        mine = _number(text)
        if number is not None:
            return mine is not None and _ordered(op, mine, number)
        return _ordered(op, text, wanted)

    return test


def _ordered(op: str, left: Any, right: Any) -> bool:
    match op:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return bool(left >= right)


def _number(text: str) -> float | None:
    return float(text) if len(text) < 400 and _NUMBER.fullmatch(text) else None
