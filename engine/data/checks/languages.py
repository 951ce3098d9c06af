"""Which languages the answers are in, and whether they are those of their prompts: seen in a sample."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from engine.data.checks.check import Back
from engine.data.checks.personal.redact import redact
from engine.data.checks.prose import has_code, prose
from engine.data.checks.seen import Seen
from engine.findings import Finding
from engine.text import one_line

_SAMPLE: Final = 512
"""Rows of the sample: of a share of 2 % at least 3 are among them in 998 of 1,000 cases."""
_READ: Final = 800
"""Characters of a text that are looked at."""
_LETTERS: Final = 40
"""Of the shortest text that tells its language; half as many of a script without an alphabet."""
_SURE: Final = 0.99
_SURE_BY_SCRIPT: Final = 0.8
"""Probabilities of py3langid from which on it is believed, of Latin letters and of others.

None of 3,300 English texts of GSM8K, Alpaca, BANKING77 and tool calls is then taken for another language.
"""
_MAIN: Final = 0.7
"""Share of one language from which on others are not expected."""
_OTHERS: Final = 0.02
_ACROSS: Final = 0.05
_TRANSLATION: Final = 0.5
"""Share of rows with another language in the answer from which on that is what the data is for."""
_FEW: Final = 3
_NO_WORDS: Final = re.compile(r"https?://\S+|[\w.+-]+@[\w.-]+|[0-9_]+|[^\w\s]+")
_NAMED: Final = re.compile(
    r"translat|traduc|traduz|tradui|übersetz|перевед|перевод|翻译|翻譯|翻訳|번역|ترجم|अनुवाद|dịch"
    r"|çevir|vertaal|tłumacz|英文|英语|中文|法语|日语|德语|西班牙语"
    r"|\b(?:language|english|french|spanish|german|italian|portuguese|russian|chinese|japanese|korean"
    r"|arabic|hindi|dutch|polish|turkish|swedish|finnish|danish|norwegian|greek|latin|hebrew|persian|farsi"
    r"|urdu|vietnamese|thai|romanian|ukrainian|czech|hungarian|indonesian)\b",
    re.IGNORECASE,
)
"""Words of a prompt that asks for a language."""
_NAMES: Final = """
en English|zh Chinese|es Spanish|fr French|de German|it Italian|pt Portuguese|ru Russian|ja Japanese
ko Korean|ar Arabic|hi Hindi|fa Persian|ur Urdu|tr Turkish|nl Dutch|pl Polish|sv Swedish|fi Finnish
da Danish|no Norwegian|nb Norwegian|el Greek|he Hebrew|vi Vietnamese|th Thai|ro Romanian
uk Ukrainian|cs Czech|hu Hungarian|id Indonesian|bn Bengali|ta Tamil|te Telugu|la Latin|ca Catalan
bg Bulgarian|sr Serbian|hr Croatian|sk Slovak|ms Malay|sw Swahili
"""
_LANGUAGES: Final = dict(item.split(" ", 1) for item in _NAMES.strip().replace("\n", "|").split("|"))
_MIXER: Final = 0x9E3779B97F4A7C15
_BITS: Final = 0xFFFFFFFFFFFFFFFF
"""Fibonacci hashing: the rows with the smallest hashes are a sample that no order of the rows can fool."""
MIX: Final = "language_mix"
ACROSS: Final = "language_across"


class _Sampled(NamedTuple):
    mixed: int
    where: str
    number: int
    prompt: str
    answer: str


class Languages:
    """Keeps a sample of rows, evenly spread, and asks for the language of each once all were met."""

    def __init__(self, back: Back) -> None:
        self._rows = 0
        self._below = _BITS + 1
        self._sample: list[_Sampled] = []
        self._spoken: list[tuple[_Sampled, str, str]] = []
        """Sampled rows with the languages of prompt and answer, empty where they are not told."""

    def add(self, seen: Seen) -> None:
        """One more row."""
        self._rows += 1
        mixed = seen.number * _MIXER & _BITS
        if mixed >= self._below:
            return
        row = _Sampled(mixed, seen.row.where, seen.number, seen.prompt[-_READ:], seen.answer[:_READ])
        self._sample.append(row)
        if len(self._sample) >= 2 * _SAMPLE:
            self._halve()

    def _halve(self) -> None:
        self._sample = sorted(self._sample)[:_SAMPLE]
        self._below = self._sample[-1].mixed

    def steps(self) -> Iterator[None]:
        """Ask for the languages, a row at a time."""
        if len(self._sample) < _FEW:
            return
        if len(self._sample) > _SAMPLE:
            self._halve()
        language = _identifier()
        for row in sorted(self._sample, key=lambda row: row.number):
            if not _NAMED.search(row.prompt):
                self._spoken.append((row, language(row.prompt), language(row.answer)))
                yield

    def numbers(self, check: str) -> Sequence[int] | None:
        """The sampled rows of a finding."""
        if check == MIX:
            return [row.number for row, _ in self._others()]
        if check == ACROSS:
            return [row.number for row, _, _ in self._across()[0]]
        return None

    def findings(self) -> Iterator[Finding]:
        """Languages that few answers are in, and answers in another language than their prompts."""
        others = self._others()
        told = sum(1 for _, _, answer in self._spoken if answer)
        if len(others) >= _FEW and len(others) >= _OTHERS * told:
            yield self._mixed(others, told)
        across, both = self._across()
        if len(across) >= _FEW and _ACROSS * both <= len(across) < _TRANSLATION * both:
            yield self._crossed(across, both)

    def _others(self) -> list[tuple[_Sampled, str]]:
        """Rows with an answer in a language that is not the main one; none where no language is."""
        spoken = [(row, answer) for row, _, answer in self._spoken if answer]
        main = Counter(language for _, language in spoken).most_common(1)
        if not main or main[0][1] < _MAIN * len(spoken):
            return []
        return [(row, language) for row, language in spoken if language != main[0][0]]

    def _across(self) -> tuple[list[tuple[_Sampled, str, str]], int]:
        both = [each for each in self._spoken if each[1] and each[2]]
        return [each for each in both if each[1] != each[2]], len(both)

    def _mixed(self, others: list[tuple[_Sampled, str]], told: int) -> Finding:
        counts = Counter(language for _, language in others).most_common(4)
        listed = ", ".join(f"{_called(language)} {count / told:.1%}" for language, count in counts)
        return self._finding(
            MIX,
            len(others),
            told,
            f"of the answers are in other languages than the rest: {listed}",
            [f"{row.where}  {_called(language)}: {_quoted(row.answer)}" for row, language in others],
            [row.where for row, _ in others],
            "Most answers are in one language, and nothing in these rows asks for another.",
        )

    def _crossed(self, across: list[tuple[_Sampled, str, str]], both: int) -> Finding:
        return self._finding(
            ACROSS,
            len(across),
            both,
            "of the answers are in another language than their prompts",
            [
                f"{row.where}  {_called(asked)}, answered in {_called(answered)}: {_quoted(row.answer)}"
                for row, asked, answered in across
            ],
            [row.where for row, _, _ in across],
            "No translation is asked for; the model learns to change the language by itself.",
        )

    def _finding(
        self, name: str, count: int, of: int, title: str, evidence: list[str], places: list[str], cause: str
    ) -> Finding:
        whole = len(self._sample) == self._rows
        seen = "" if whole else f"{len(self._sample):,} of {self._rows:,} rows were looked at"
        return Finding(
            category="quality",
            severity="note",
            confidence=0.8,
            title=f"{'' if whole else 'About '}{count / of:.0%} {title}",
            evidence=[*evidence[:5], *([seen] if seen else [])],
            cause=cause,
            remedy="Leave these rows out, unless they are meant.",
            count=count if whole else None,
            share=count / of,
            places=places[:5],
            check=name,
        )


def _identifier() -> Callable[[str], str]:
    """What tells the language of a text by its ISO code, empty where it cannot be told."""
    # Imported on use: numpy and a model of 5 MB.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def language(text: str) -> str:
        plain = prose(text)
        if has_code(plain):
            return ""
        plain = _NO_WORDS.sub(" ", plain)
        letters = [letter for letter in plain if letter.isalpha()]
        latin = sum(letter < "\u0370" for letter in letters) * 2 > len(letters)
        if len(letters) < (_LETTERS if latin else _LETTERS // 2):
            return ""
        code, probability = identifier.classify(plain)
        return str(code) if probability >= (_SURE if latin else _SURE_BY_SCRIPT) else ""

    return language


def _called(code: str) -> str:
    return _LANGUAGES.get(code, code)


def _quoted(text: str) -> str:
    return one_line(redact(text), 60)
