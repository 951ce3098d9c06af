"""The table of recipe fields, a file for each section."""

from typing import Final

from engine.recipe.field import Field
from engine.recipe.table import adapter, device, method, objective, optimisation, reporting, what

FIELDS: Final[tuple[Field, ...]] = (
    *what.FIELDS,
    *objective.FIELDS,
    *adapter.FIELDS,
    *method.FIELDS,
    *optimisation.FIELDS,
    *device.FIELDS,
    *reporting.FIELDS,
)
