"""The words of `openlora inspect --apply`: what can be done to a dataset."""

from __future__ import annotations

from typing import Final, NamedTuple


class Word(NamedTuple):
    """One of them."""

    name: str
    value: str
    """What stands behind its `=`, empty where nothing does."""
    help: str

    @property
    def usage(self) -> str:
        """How it is written."""
        return f"{self.name}={self.value}" if self.value else self.name


WORDS: Final = (
    Word("dedup", "", "keep the first of equal rows"),
    Word("near_dedup", "", "keep the first of the rows that say nearly the same"),
    Word("drop", "CHECK,…", "leave out the rows that a check has found: a finding says its name"),
    Word("clean", "", "mend mojibake; take out control, bidi and invisible characters; make spaces plain"),
    Word("redact", "", "write [EMAIL], [PHONE], [KEY] … over personal data and secrets"),
    Word("fill", "NAME:VALUE,…", "write values in the place of {{NAME}} blanks"),
    Word("split", "N", "cut documents of more than N tokens at the ends of sentences; needs --model"),
    Word("convert", "SHAPE", "write rows as messages, prompt_completion or text, as training reads them"),
    Word("rebalance", "COLUMN[:N]", "keep at most N rows of each value; without N as many as the median has"),
    Word("resplit", "COLUMN:SHARE", "write a second file for evaluation; rows of one value stay together"),
)
