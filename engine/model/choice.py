"""Which of a model's linear layers a recipe's `target_modules` means, for training as for a check."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from engine.data.refusal import Refusal
from engine.model.architectures import ARCHITECTURES

GROUPS: Final = ("all-linear", "attention")
"""Words in place of names."""
_EXPRESSION: Final = re.compile(r"[\\|*+?()\[\]^$]")
_BLOCK: Final = re.compile(r".*?\.[^.]*\.(\d+)\.")
"""The first number in a path, as peft's `layers_to_transform` counts."""
_T = TypeVar("_T")
_V = TypeVar("_V")


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


def chosen(
    layers: Layers[_T],
    wanted: str | list[str],
    exclude: str | list[str] | None = None,
    blocks: Sequence[int] = (),
) -> Choice[_T]:
    """The layers that the recipe means: by a word of `GROUPS`, by names, or by one regular expression.

    peft complains only when no name matches at all, so one mistyped among several would be silent.

    Args:
        exclude: names of layers to leave out, or one expression for their paths.
        blocks: numbers of the transformer's blocks that carry an adapter; all of them where it is empty.

    Raises:
        Refusal: a name that matches no linear layer, with the names that exist; or nothing is left.
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
    left_out = _left_out(taken, exclude or [], layers)
    unwanted = [one for one in (layers.unwanted(names, taken), left_out) if one]
    taken = {path: layer for path, layer in taken.items() if not re.fullmatch(left_out or "(?!)", path)}
    taken = _within(taken, blocks)
    if not taken:
        raise unknown_name("No layer is left that carries an adapter.", layers, "Leave out fewer of them.")
    if layers.experts:
        note = f"{note}; the experts' weights are no linear layers and carry none".removeprefix("; ")
    return Choice(names, taken, "|".join(unwanted) or None, note)


def patterned(paths: Mapping[str, object], pattern: Mapping[str, _V], field: str) -> dict[str, _V]:
    """What `pattern` says of each of the paths that it speaks of, matched as peft does; the first key wins.

    Raises:
        Refusal: a key that matches none of them, which peft would pass over in silence.
    """
    found: dict[str, _V] = {}
    for key, value in pattern.items():
        compiled = _compiled(rf"(?:.*\.)?(?:{key})", field)
        matched = [path for path in paths if compiled.fullmatch(path)]
        if not matched:
            raise Refusal(
                "target_modules_not_found",
                f"{field}: no adapted layer is called {key}.",
                where=f"recipe: {field}",
                why=f"Adapted are, for example: {', '.join(list(paths)[:8])}.",
                do="Write the end of such a path, or an expression that matches all of that end.",
            )
        found = dict.fromkeys(matched, value) | found
    return found


def _left_out(taken: Mapping[str, object], exclude: str | list[str], layers: Layers[_T]) -> str | None:
    """One expression for the paths that `exclude` names."""
    if not exclude:
        return None
    if isinstance(exclude, str) and _EXPRESSION.search(exclude):
        names, parts = [exclude], [f"(?:{exclude})"]
    else:
        names = [exclude] if isinstance(exclude, str) else exclude
        parts = [rf"(?:.*\.)?{re.escape(name)}" for name in names]
    for name, part in zip(names, parts, strict=True):
        if not any(_compiled(part, "exclude_modules").fullmatch(path) for path in taken):
            what = f"exclude_modules: no layer of the target is called {name}."
            raise unknown_name(what, layers, "Leave the name out, or write one of these.", "exclude_modules")
    return "|".join(parts)


def _within(taken: dict[str, _T], blocks: Sequence[int]) -> dict[str, _T]:
    if not blocks:
        return taken
    numbers = {path: int(match[1]) for path in taken if (match := _BLOCK.match(f".{path}."))}
    there = set(numbers.values())
    if lacking := [block for block in blocks if block not in there]:
        raise Refusal(
            "target_modules_not_found",
            f"layers_to_transform: the model has no block {', '.join(map(str, lacking[:8]))}.",
            where="recipe: layers_to_transform",
            why=f"Its blocks have the numbers 0 to {max(there, default=0):,}.",
            do="Count from 0, and leave the others out.",
        )
    return {path: layer for path, layer in taken.items() if numbers.get(path) in blocks}


def _compiled(expression: str, field: str) -> re.Pattern[str]:
    try:
        return re.compile(expression)
    except re.error as error:
        raise Refusal(
            "target_modules_not_found",
            f"{field} is no regular expression: {error}.",
            where=f"recipe: {field}",
            do="List the names of the layers, such as [q_proj, v_proj].",
        ) from None


def names_of(layers: Layers[_T], wanted: str | list[str]) -> list[str]:
    """The names that `wanted` lists; of a regular expression, as peft takes one, all that it matches."""
    if not isinstance(wanted, str):
        return list(wanted)
    return _matched(layers, wanted) if _EXPRESSION.search(wanted) else [wanted]


def _matched(layers: Layers[_T], expression: str) -> list[str]:
    compiled = _compiled(expression, "target_modules")
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
    what: str,
    layers: Layers[_T],
    do: str = "Use these names, or `all-linear` or `attention`.",
    field: str = "target_modules",
) -> Refusal:
    """That no layer is called so, with the names that there are."""
    return Refusal(
        "target_modules_not_found",
        what,
        where=f"recipe: {field}",
        why=f"Its linear layers are called: {', '.join(layers.short_names())}.",
        do=do,
    )
