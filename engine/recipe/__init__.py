"""The recipe: everything that decides a run, as one YAML file."""

from engine.recipe.fields import FIELDS, Field, field_named
from engine.recipe.places import absolute_text, check_paths, missing_paths, moved, near, placed
from engine.recipe.recipe import Recipe
from engine.recipe.yaml import RecipeFile, changed, filled, override, parse, read, survey, template, text_from

__all__ = [
    "FIELDS",
    "Field",
    "Recipe",
    "RecipeFile",
    "absolute_text",
    "changed",
    "check_paths",
    "field_named",
    "filled",
    "missing_paths",
    "moved",
    "near",
    "override",
    "parse",
    "placed",
    "read",
    "survey",
    "template",
    "text_from",
]
