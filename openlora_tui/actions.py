"""Everything a key can do, in one table: it makes bindings, footer, help, palette and docs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from textual.binding import Binding, BindingType

from engine.messages import RunRow
from engine.run_state import ENDED

Where = Literal["app", "run", "runs", "train", "move", "find", "page", "dialogue"]
WHERE: Final[dict[Where, str]] = {
    "app": "Everywhere",
    "run": "The run: the selected one in Runs, the open one in Train",
    "runs": "Runs",
    "train": "Train",
    "move": "Lists and pages",
    "find": "Filter and search",
    "page": "Pages of text",
    "dialogue": "Dialogues",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides whether an action is available now."""

    place: str = ""
    trouble: str = ""
    """Why the engine does not hear us; empty while it does."""
    row: RunRow | None = None
    marks: int = 0
    samples: int = 0
    findings: int = 0
    marking: bool = False
    zoomed: bool = False


Needs = Callable[[Facts], str]


def _nothing(facts: Facts) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person can do."""

    id: str
    keys: tuple[str, ...]
    label: str
    """One or two words, for the footer."""
    help: str
    where: Where
    needs: Needs = _nothing
    """Says why the action is not available now; empty where it is."""

    @property
    def key(self) -> str:
        """The first key as it is written on a screen."""
        return shown(self.keys[0]) if self.keys else ""


_NAMES: Final = {
    "question_mark": "?", "colon": ":", "slash": "/", "plus": "+", "minus": "-", "equals_sign": "=",
    "escape": "esc", "pageup": "pgup", "pagedown": "pgdn",
}  # fmt: skip


def shown(key: str) -> str:
    """A key as it is written on a screen and in the docs."""
    return _NAMES.get(key, key)


def _run(facts: Facts) -> str:
    return "" if facts.row else "There is no run here yet; n starts one."


def _engine(facts: Facts) -> str:
    return facts.trouble


def _live(facts: Facts) -> str:
    if facts.row is None or facts.trouble:
        return _run(facts) or facts.trouble
    return f"This run has {_ended(facts.row)}." if facts.row.status in ENDED else ""


def _ended(row: RunRow) -> str:
    words = {"interrupted": "been interrupted; r resumes it", "stopped": "been stopped; r resumes it"}
    return words.get(row.status, row.status)


def _working(facts: Facts) -> str:
    why = _live(facts)
    if why or facts.row is None:
        return why
    waits = {"queued": "This run waits in the queue.", "starting": "This run is still starting.",
             "stopping": "This run is stopping already."}  # fmt: skip
    return waits.get(facts.row.status, "")


def _stoppable(facts: Facts) -> str:
    why = _live(facts)
    if why or facts.row is None:
        return why
    return "This run is stopping already." if facts.row.status == "stopping" else ""


def _resumable(facts: Facts) -> str:
    if facts.row is None or facts.trouble:
        return _run(facts) or facts.trouble
    if facts.row.status not in ENDED:
        return "This run has not ended; p pauses and continues it."
    return "This run has finished all its steps." if facts.row.status == "succeeded" else ""


def _deletable(facts: Facts) -> str:
    if facts.row is None or facts.trouble:
        return _run(facts) or facts.trouble
    return "" if facts.row.status in ENDED else "This run is live; S stops it first."


def _marked(facts: Facts) -> str:
    return "" if facts.marks else "Nothing has happened on this curve yet."


def _marking(facts: Facts) -> str:
    return "" if facts.marking else "m shows the marks first."


def _sampled(facts: Facts) -> str:
    return (
        "" if facts.samples else "There are no samples yet; sample_steps in the recipe says when they come."
    )


def _found(facts: Facts) -> str:
    return "" if facts.findings else "There are no findings: nothing was noticed that needs you."


def _elsewhere(place: str) -> Needs:
    return lambda facts: "You are there already." if facts.place == place else ""


ACTIONS: Final[tuple[Action, ...]] = (
    Action("runs", ("1",), "Runs", "Go to the list of runs.", "app", _elsewhere("runs")),
    Action("train", ("4",), "Train", "Go to the run that is open, else open the selected one.", "app", _run),
    Action("new", ("n",), "new run", "Pick a recipe, or a data file and a model, and start a run.", "app",
           _engine),
    Action("palette", ("ctrl+p", "colon"), "commands", "Find any command by its name.", "app"),
    Action("help", ("question_mark", "f1"), "help", "Show what the keys do here.", "app"),
    Action("theme", ("ctrl+t",), "theme", "Change to the next colour theme.", "app"),
    Action("back", ("q",), "back", "Go back; on the Runs screen, quit.", "app"),
    Action("leave", ("ctrl+q",), "quit", "Quit. A live run goes on unless you say otherwise.", "app"),
    Action("hint", ("ctrl+c",), "", "Never quits: says how to quit and how to stop a run.", "app"),
    Action("open", ("enter",), "open", "Open the selected run in Train.", "runs", _run),
    Action("delete", ("d",), "delete", "Delete the run and its checkpoints; asks first.", "runs", _deletable),
    Action("pause", ("p",), "pause", "Pause or continue the run; a pause keeps the device.", "run", _working),
    Action("save", ("s",), "save", "Write a checkpoint now.", "run", _working),
    Action("stop", ("S",), "stop", "Stop the run after saving; asks first.", "run", _stoppable),
    Action("kill", ("K",), "kill", "End the run at once without saving; asks first.", "run", _live),
    Action("resume", ("r",), "resume", "Go on from the last checkpoint of a run that has ended.", "run",
           _resumable),
    Action("copy", ("y",), "copy", "Copy the adapter's path, or the run's id before that.", "run", _run),
    Action("marks", ("m",), "marks", "Step through what happened on the curve.", "train", _marked),
    Action("mark_before", ("left",), "mark before", "The mark to the left.", "train", _marking),
    Action("mark_after", ("right",), "mark after", "The mark to the right.", "train", _marking),
    Action("zoom", ("z",), "zoom", "Give the chart the whole screen, or take it back.", "train"),
    Action("closer", ("plus", "equals_sign"), "closer", "Show only the later half of the curve.", "train"),
    Action("farther", ("minus",), "farther", "Show twice as much of the curve.", "train"),
    Action("samples", ("t",), "samples", "Read all sample texts.", "train", _sampled),
    Action("findings", ("f",), "findings", "Read the findings: evidence, cause, remedy.", "train", _found),
    Action("log", ("l",), "log", "Read the log and the worker's last words.", "train", _run),
    Action("down", ("j", "down"), "down", "Next line.", "move"),
    Action("up", ("k", "up"), "up", "Line before.", "move"),
    Action("half_down", ("ctrl+d",), "half down", "Half a page down.", "move"),
    Action("half_up", ("ctrl+u",), "half up", "Half a page up.", "move"),
    Action("page_down", ("pagedown", "space"), "page down", "A page down.", "move"),
    Action("page_up", ("pageup",), "page up", "A page up.", "move"),
    Action("top", ("g", "home"), "top", "First line.", "move"),
    Action("bottom", ("G", "end"), "bottom", "Last line.", "move"),
    Action("find", ("slash",), "find", "Filter the list, or search in the page.", "find"),
    Action("find_next", ("n",), "next", "Next place found.", "page"),
    Action("find_before", ("N",), "before", "Place found before.", "page"),
    Action("close", ("escape",), "close", "Close the dialogue, the search or the zoom.", "dialogue"),
)  # fmt: skip
BY_ID: Final = {action.id: action for action in ACTIONS}
FOOTER: Final[dict[str, tuple[str, ...]]] = {
    "runs": ("open", "new", "pause", "resume", "stop", "delete"),
    "train": ("pause", "save", "stop", "resume", "marks", "zoom", "samples", "log", "copy"),
}
"""What the foot of each place may name, in its order."""


def said(action: Action, facts: Facts) -> str:
    """The label as the run stands: a paused run is continued."""
    paused = facts.row is not None and facts.row.status == "paused"
    return "continue" if action.id == "pause" and paused else action.label


def of(*places: Where) -> list[Action]:
    """The actions of some places, in the table's order."""
    return [action for action in ACTIONS if action.where in places]


def bindings(*places: Where) -> list[BindingType]:
    """Bindings of a screen or of the app; all go through the app, which knows whether they apply now."""
    return [
        Binding(
            ",".join(action.keys), f"app.do('{action.id}')", action.label, show=False, tooltip=action.help
        )
        for action in of(*places)
    ]


def moves(*, find: bool = False) -> list[BindingType]:
    """Bindings of a widget that can be moved in; they call its own `action_...` methods."""
    return [
        Binding(",".join(action.keys), action.id, action.label, show=False, tooltip=action.help)
        for action in (of("move", "find", "page") if find else of("move"))
    ]


def footer(facts: Facts) -> list[Action]:
    """At most six actions for the foot of a place: those available now before those that are not."""
    wanted = [BY_ID[id] for id in FOOTER.get(facts.place, ())]
    able = [action for action in wanted if not action.needs(facts)]
    if facts.row is None:
        wanted = able
    chosen = [*able, *(action for action in wanted if action not in able)][:5]
    return [*(action for action in wanted if action in chosen), BY_ID["help"]]


def key_table() -> str:
    """All keys as Markdown, for the docs."""
    lines: list[str] = []
    for where, title in WHERE.items():
        lines += [f"### {title}", "", "| key | does |", "|---|---|"]
        for action in of(where):
            keys = " ".join(f"`{shown(key)}`" for key in action.keys)
            lines.append(f"| {keys} | {action.help} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(key_table(), end="")
