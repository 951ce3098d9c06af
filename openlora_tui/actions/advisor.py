"""Actions of the advisor, wherever it is shown; what they need of a finding, the app says."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.table import Action, Table

ADVISOR: Final = Table(
    "advisor",
    "The advisor, while the cursor is in it",
    (
        Action("evidence", ("enter", "e"), "evidence", "Read all of the finding: evidence, cause, remedy."),
        Action("apply_advice", ("p",), "apply", "See the change that is proposed, then make it.",
               changes=True),
        Action("put_aside", ("x",), "put aside",
               "Dismiss the finding with a reason, here or everywhere; again to take it back.", changes=True),
        Action("ask_advisor", ("i",), "ask", "Ask anything about what is shown."),
        Action("to_chart", ("w",), "to the chart", "Keep the answer, or the finding, as a note at the chart.",
               changes=True),
        Action("leave_advisor", ("escape",), "leave", "Stop the answer, else go back to the place."),
    ),
    footer=("evidence", "apply_advice", "put_aside", "ask_advisor", "to_chart", "leave_advisor"),
)  # fmt: skip
