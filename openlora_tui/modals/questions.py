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


def confirm(verb: Verb, row: RunRow, resume: str) -> Ask:
    """Stop, kill or delete a run."""
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
    kept = " with its checkpoints and its adapter" if row.step else ""
    text = f"The run's folder goes{kept}; there is no way back. {one_line(row.adapter or '')}"
    return Ask(f"Delete {name}?", text, [cancel, Choice("delete", "delete", "for good", "bad")])


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
