"""The questions before something that is hard to undo; the first answer is the safe one."""

from __future__ import annotations

from engine.messages import RunRow, Verb
from engine.text import one_line
from openlora_tui.modals.ask import Ask, Choice


def leaving(live: list[RunRow], resume: str) -> Ask:
    """What becomes of the runs that are live; `resume` is the key that resumes one."""
    names = ", ".join(one_line(row.name, 30) for row in live[:3])
    more = f" and {len(live) - 3} more" if len(live) > 3 else ""
    one = len(live) == 1
    text = (
        f"{names}{more} {'is' if one else 'are'} live. {'It goes' if one else 'They go'} on without this "
        "window: openlora-tui shows it all again, from any terminal."
    )
    return Ask(
        "Quit OpenLoRA?",
        text,
        [
            Choice("leave", "leave running", "quit; training goes on"),
            Choice("stop", "stop and save", f"end after a checkpoint; {resume} resumes later", "warn"),
            Choice("cancel", "cancel", "stay here"),
        ],
    )


def stopping_all(live: list[RunRow], resume: str) -> Ask:
    """Every live run is stopped."""
    names = ", ".join(one_line(row.name, 30) for row in live[:3])
    more = f" and {len(live) - 3} more" if len(live) > 3 else ""
    saves = "saves" if len(live) == 1 else "save"
    text = f"{names}{more} {saves} and end; {resume} goes on from there. What waits leaves the queue."
    return Ask(
        f"Stop {'the one live run' if len(live) == 1 else f'all {len(live)} live runs'}?",
        text,
        [
            Choice("cancel", "cancel", "change nothing"),
            Choice("stop", "stop and save", "each after its step", "warn"),
        ],
    )


def confirm(verb: Verb, row: RunRow, resume: str, home: str) -> Ask:
    """Stop, kill or delete a run of that home."""
    name = one_line(row.name, 40) or row.run
    cancel = Choice("cancel", "cancel", "change nothing")
    if verb == "stop":
        text = f"It stands at step {row.step:,} of {row.steps:,}. {resume} goes on from there."
        return Ask(
            f"Stop {name}?", text, [cancel, Choice("stop", "stop and save", "after this step", "warn")]
        )
    if verb == "kill":
        text = f"It stands at step {row.step:,}. What came after its last checkpoint is lost."
        return Ask(f"Kill {name}?", text, [cancel, Choice("kill", "kill", "at once, without saving", "bad")])
    text = f"The run's folder goes{_with(row, home)}"
    return Ask(f"Delete {name}?", text, [cancel, Choice("delete", "delete", "for good", "bad")])


def _with(row: RunRow, home: str) -> str:
    """What goes with a run's folder; an adapter that its recipe has sent elsewhere does not."""
    adapter = one_line(row.adapter or "")
    if not row.step:
        return "; there is no way back."
    if adapter and not adapter.startswith(f"{home}/runs/{row.run}/"):
        return f" with its checkpoints; there is no way back. The adapter stays: {adapter}"
    also = " and its adapter" if adapter else ""
    return f" with its checkpoints{also}; there is no way back. {adapter}".rstrip()


def unsaved(name: str, *, named: bool) -> Ask:
    """What becomes of a recipe that is not saved; only one that has a file can be saved at once."""
    text = f"{one_line(name, 40)} has changes that are in no file."
    save = [Choice("save", "save", "to its file, then go on")] if named else []
    return Ask(
        "Drop what is not saved?",
        text,
        [
            Choice("cancel", "cancel", "stay with it"),
            *save,
            Choice("drop", "drop", "forget the changes", "warn"),
        ],
    )
