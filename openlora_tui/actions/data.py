"""Actions of the Data screen; what they need of the data, the screen says itself."""

from __future__ import annotations

from typing import Final

from openlora_tui.actions.table import Action, Table

DATA: Final = Table(
    "data",
    "Data",
    (
        Action("read_row", ("enter",), "read row", "Read the whole row as the model sees it."),
        Action("other_data", ("o",), "other data", "Choose other data to look at."),
        Action("eval_data", ("e",), "eval data",
               "Choose evaluation data: rows that the training data gives away are found."),
        Action("data_model", ("m",), "model", "Choose the model whose tokenizer and template are used."),
        Action("data_findings", ("f",), "findings", "Read the findings: evidence, cause, remedy."),
        Action("only_these", ("F",), "only these", "Show only the rows of the finding; again to see all."),
        Action("sort_rows", ("s",), "sort", "Sort the rows by their tokens or by what a column holds."),
        Action("mend", ("p",), "mend", "Apply the patch of the finding: to the recipe, or as a new dataset.",
               changes=True),
        Action("mend_all", ("P",), "mend all",
               "Apply the patches of all findings at once, as one new dataset.", changes=True),
        Action("dismiss", ("x",), "dismiss", "Put the finding aside for this data; again to take it back."),
        Action("map_columns", ("M",), "mapping",
               "Say what the columns mean: a mapping is proposed, and tried on the first rows as you type."),
        Action("longer", ("plus", "equals_sign"), "longer", "See what a longer max_length would cut."),
        Action("shorter", ("minus",), "shorter", "See what a shorter max_length would cut."),
        Action("view", ("v",), "view", "Change what is shown under the table, in a narrow terminal."),
        Action("column_right", ("right", "l"), "columns right", "Scroll to the columns at the right."),
        Action("column_left", ("left", "h"), "columns left", "Scroll back to the columns at the left."),
        Action("goto_row", ("number_sign",), "row", "Go to a row by its number."),
        Action("copy_place", ("y",), "copy", "Copy the row's place, file:line."),
    ),
    beside=("find", "dialogue"),
    footer=("read_row", "data_findings", "other_data", "data_model", "mend", "view", "onward"),
)  # fmt: skip
