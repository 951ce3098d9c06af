"""Which of a model's linear layers a recipe's `target_modules` means, for training as for a check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Generic, NamedTuple, TypeVar

from engine.data.refusal import Refusal
from engine.model.architectures import ARCHITECTURES

GROUPS: Final = ("all-linear", "attention")
"""Words in place of names."""
_EXPRESSION: Final = re.compile(r"[\\|*+?()\[\]^$]")
_T = TypeVar("_T")


class Layers(Generic[_T]):
    """The linear layers of a model by their paths: those of its text decoder, and the others.

    The others are the head, and where the model also sees or hears, the parts that no text reaches.

    Attributes:
        kind: the configuration's `model_type`.
        experts: True where the experts' weights lie in tensors that no adapter of linear layers reaches.
    """

    def __init__(
        self, kind: str, inside: Mapping[str, _T], outside: Mapping[str, _T], *, experts: bool = False
    ) -> None:
        self.kind, self.experts = kind, experts
        self.inside, self.outside = inside, outside

    def called(self, name: str) -> dict[str, _T]:
        """Layers of that name: the decoder's, else any."""
        return ending(name, self.inside) or ending(name, self.outside)

    def short_names(self) -> list[str]:
        """The last parts of the decoder's paths."""
        return sorted({path.rpartition(".")[2] for path in self.inside})

    def unwanted(self, names: list[str], chosen: Mapping[str, _T]) -> str | None:
        """An expression for the layers that have one of the names and were not chosen."""
        others = {path for name in names for path in ending(name, self.outside)} - chosen.keys()
        return "|".join(re.escape(path) for path in sorted(others)) or None


class Choice(NamedTuple, Generic[_T]):
    """The layers that were chosen."""

    names: list[str]
    """As peft matches them: a module's path, or the end of one."""
    layers: dict[str, _T]
    exclude: str | None
    """peft's `exclude_modules`: matches all that has such a name and was not chosen; None if nothing has."""
    note: str = ""
    """What a person should know of the choice."""


def chosen(layers: Layers[_T], wanted: str | list[str]) -> Choice[_T]:
    """The layers that the recipe means: by a word of `GROUPS`, by names, or by one regular expression.

    peft complains only when no name matches at all, so one mistyped among several would be silent.

    Raises:
        Refusal: a name that matches no linear layer, with the names that exist.
    """
    note = ""
    if wanted in GROUPS:
        names, note = _by_architecture(layers, attention_only=wanted == "attention")
    else:
        names = names_of(layers, wanted)
    unknown = [name for name in names if not layers.called(name)]
    if unknown or not names:
        said = ", ".join(unknown) or (wanted if isinstance(wanted, str) else "(nothing)")
        raise unknown_name(f"No layer of the model is called {said}.", layers)
    taken = {path: layer for name in names for path, layer in layers.called(name).items()}
    if layers.experts:
        note = f"{note}; the experts' weights are no linear layers and carry none".removeprefix("; ")
    return Choice(names, taken, layers.unwanted(names, taken), note)


def names_of(layers: Layers[_T], wanted: str | list[str]) -> list[str]:
    """The names that `wanted` lists; of a regular expression, as peft takes one, all that it matches."""
    if not isinstance(wanted, str):
        return list(wanted)
    return _matched(layers, wanted) if _EXPRESSION.search(wanted) else [wanted]


def _matched(layers: Layers[_T], expression: str) -> list[str]:
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise Refusal(
            "target_modules_not_found",
            f"target_modules is no regular expression: {error}.",
            where="recipe: target_modules",
            do="List the names of the layers, such as [q_proj, v_proj], or use all-linear.",
        ) from None
    return [path for path in [*layers.inside, *layers.outside] if compiled.fullmatch(path)]


def _by_architecture(layers: Layers[_T], *, attention_only: bool) -> tuple[list[str], str]:
    parts = ARCHITECTURES.get(layers.kind)
    names = [*parts.attention, *(() if attention_only else parts.mlp)] if parts else []
    if names and all(layers.called(name) for name in names):
        return names, ""
    if attention_only:
        what = f"Which layers of a {layers.kind} model are its attention is not known here."
        raise unknown_name(what, layers, "List the names that are meant, or use all-linear.")
    note = f"{layers.kind} is not in the table of architectures: every linear layer but the head is adapted"
    return layers.short_names(), note


def ending(name: str, layers: Mapping[str, _T]) -> dict[str, _T]:
    """The layers whose path is `name`, or ends with it behind a dot."""
    return {path: layer for path, layer in layers.items() if f".{path}".endswith(f".{name}")}


def unknown_name(
    what: str, layers: Layers[_T], do: str = "Use these names, or `all-linear` or `attention`."
) -> Refusal:
    """That no layer is called so, with the names that there are."""
    return Refusal(
        "target_modules_not_found",
        what,
        where="recipe: target_modules",
        why=f"Its linear layers are called: {', '.join(layers.short_names())}.",
        do=do,
    )
