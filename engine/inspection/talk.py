"""What a front end and the side job that inspects data say to each other; all of it is JSON."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from engine.inspection.report import Report
from engine.mapping.mapping import Mapping
from engine.mapping.preview import Preview

TOKENS: Final = "\0tokens"
"""What `Gather.by` says to sort by length; no column has such a name."""
WIDEST: Final = 300
"""Characters of a value that a table is sent."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What to inspect; `model` is a folder, a hub id in this machine's cache, or empty."""

    files: list[str]
    model: str = ""
    max_length: int = 1024
    data_format: str = "auto"
    bad_rows: str = "stop"
    chat_template: str | None = None
    """A name of the registry, or a file's absolute path; this and those below as in the recipe."""
    truncation: str = "cut"
    train_on: str = "answers"
    tokenize_turns: str = "together"
    eval_files: list[str] = []
    """The evaluation data, which the files may give away."""
    mapping: Mapping | None = None
    pairs: bool = False
    """Rows have to be pairs of a chosen and a rejected answer."""


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """From the front end."""


class Window(Request, frozen=True, kw_only=True):
    """Send the values of `count` rows from place `first` on of a view."""

    first: int
    count: int
    view: int = 0
    """0 for all rows as they lie in the files, else the number of the last `Gather`."""


class Gather(Request, frozen=True, kw_only=True):
    """Send the numbers of rows: those of a finding, or all, as in the files or sorted."""

    view: int = 0
    """By this number they can be looked at from now on, in place of those before; 0 only sends them."""

    finding: str = ""
    """A `Finding.check`; empty for all rows."""
    places: list[str] = []
    """The finding's examples, for where its rows are not known by number."""
    by: str = ""
    """A column, or `TOKENS`; empty for the order of the files."""
    down: bool = False
    max_length: int = 1024


class Show(Request, frozen=True, kw_only=True):
    """Send one row as the model sees it at a `max_length`."""

    row: int
    max_length: int


class Propose(Request, frozen=True, kw_only=True):
    """Propose a mapping for a file's columns, and send what it makes of the first rows."""

    file: int = 0
    """Its number among all."""


class Try(Request, frozen=True, kw_only=True):
    """Send what a mapping makes of the first rows of a file."""

    mapping: dict[str, Any] | None
    """As a person wrote it; None for the rows as they are."""
    file: int = 0


class Seek(Request, frozen=True, kw_only=True):
    """Find the next row (`way` 1) or the one before (-1) that holds `text`, case aside.

    From place `start` of a view on.
    """

    text: str
    start: int
    way: int = 1
    view: int = 0


class Mend(Request, frozen=True, kw_only=True):
    """Write a new dataset, as `openlora inspect --apply` does."""

    words: list[str]
    target: str
    """The file to write, which is not there yet."""
    max_length: int = 1024


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """From the side job."""


class Told(Answer, frozen=True, kw_only=True):
    """What is known now; comes by itself while the work goes on."""

    report: Report
    share: float
    """How much is done, 0 to 1."""


class Cells(Answer, frozen=True, kw_only=True):
    """Values of rows from `first` on, in the order of the report's columns; None for a column not there."""

    first: int
    columns: list[str]
    rows: list[list[str | None]]
    view: int = 0


class Counted(Answer, frozen=True, kw_only=True):
    """Tokens of rows from `first` on; None for a row that training would leave out."""

    first: int
    tokens: list[int | None]
    view: int = 0


class Gathered(Answer, frozen=True, kw_only=True):
    """The rows that were asked for, counted from 0."""

    finding: str
    by: str
    down: bool
    rows: list[int]
    view: int = 0
    note: str = ""
    """Of how many these are the first; empty where they are all."""


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring tokens of one kind, as text."""

    text: str
    learnt: bool = False
    special: bool = False
    part: int = 0
    """0 for what is kept, 1 for what is cut off; of a text learnt in windows, which of them."""
    tokens: list[tuple[int, int]] = []
    """Each token's id and characters; 0 for all but the first token of a character split over several."""
    name: str = ""
    """Of a special token what it does: `BOS`, `EOS`, `stop`."""
    differs: bool = False
    """True for what the other one of two texts side by side has not."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """The prompt of a row as training writes it, and as `openlora chat` will."""

    training: list[Piece]
    chat: list[Piece]
    said: list[str] = []
    """Every difference in words; none where the two are the same, token for token."""


class Shown(Answer, frozen=True, kw_only=True):
    """One row: its values, and its text as the model sees it."""

    row: int
    max_length: int
    where: str
    """`file:line`."""
    values: list[tuple[str, str]]
    pieces: list[Piece] = []
    tokens: int = 0
    learnt: int = 0
    """Learnt tokens, those that are cut off included."""
    lost: int = 0
    """Learnt tokens that are cut off."""
    left_out: int = 0
    """Tokens at the end that are not among the pieces, because there are too many."""
    windows: bool = False
    """True where a long text is learnt in several windows and nothing is cut."""
    beside: Beside | None = None
    """None where a chat cannot ask for such a row, or there is no tokenizer."""
    endless: bool = False
    """True where nothing that is kept tells the model to stop."""
    note: str = ""
    """Why there are no pieces, or what is special about them."""


class Previewed(Answer, frozen=True, kw_only=True):
    """What a mapping makes of the first rows, to `Propose` and `Try`."""

    preview: Preview


class Sought(Answer, frozen=True, kw_only=True):
    """The place of the row that was sought, or None and how far the search has come."""

    text: str
    row: int | None
    at: int
    ended: bool


class Mended(Answer, frozen=True, kw_only=True):
    """How far a `Mend` is; with its last answer a path, or a problem."""

    share: float
    path: str = ""
    rows: int = 0
    before: int = 0
    problem: dict[str, str] | None = None

    @property
    def ended(self) -> bool:
        """True for the last answer."""
        return bool(self.path) or self.problem is not None


Requests = Window | Show | Seek | Gather | Propose | Try | Mend
Answers = Told | Cells | Counted | Shown | Sought | Gathered | Previewed | Mended
_requests: Final[msgspec.json.Decoder[Requests]] = msgspec.json.Decoder(Requests)
_answers: Final[msgspec.json.Decoder[Answers]] = msgspec.json.Decoder(Answers)


def encode(message: Request | Answer | Spec) -> bytes:
    """As it travels."""
    return msgspec.json.encode(message)


def spec(body: bytes) -> Spec:
    """What the side job is told first."""
    return msgspec.json.decode(body, type=Spec)


def request(body: bytes) -> Requests:
    """A front end's wish."""
    return _requests.decode(body)


def answer(body: bytes) -> Answers:
    """A side job's answer."""
    return _answers.decode(body)
