"""Proposes a mapping for columns that are no shape: by their names, and by what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from engine.mapping import mapping as words
from engine.mapping.leaves import Leaf, Lists, look
from engine.mapping.mapping import Proposal, Strip
from engine.mapping.names import SPEAKERS, language, likeness

_SAMPLE: Final = 200
_LIKE: Final = 0.5
_BOTH: Final = 3
"""Texts that a label may be about together, such as premise and hypothesis."""
_WORDS: Final = 24
"""Characters of the shortest text that is taken for one to learn when its column's name says nothing."""
_FEW: Final = 16
"""Rows that may all be one conversation."""
_SOME: Final = 0.1
"""Share of texts in which markup or replies are met before taking them out is proposed."""
_MARKS: Final[dict[Strip, re.Pattern[str]]] = {
    "html": re.compile(
        r"</?(?:p|br|div|a|span|li|ul|b|i|strong|em|td|tr|h[1-6])\b[^<>]*>|&(?:nbsp|amp|lt|gt|quot);"
    ),
    "quoted_replies": re.compile(
        r"^>|^On .{4,160} wrote:|^Am .{4,160} schrieb|^Le .{4,160} a écrit|^-{2,} ?Original Message"
        r"|写道[:：]",
        re.MULTILINE,
    ),
    "signatures": re.compile(
        r"^-- ?$|^Sent from my |^(?:Best|Kind) regards|^Mit freundlichen Grüßen|^Cordialement",
        re.MULTILINE | re.IGNORECASE,
    ),
}
_TURNS: Final = ("dialog", "turn", "convers", "messag", "utteranc", "chat", "thread", "对话", "会话")
_Leaves = dict[str, Leaf]


def propose(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Proposal | None:
    """What the columns most likely mean; None where nothing in them looks like text to learn.

    Args:
        columns: their names, in the order of the file.
        rows: some of the first rows, as values by column.
    """
    leaves, lists = look(rows[:_SAMPLE])
    order = {name: at for at, name in enumerate(columns)}
    leaves = dict(sorted(leaves.items(), key=lambda item: order.get(item[0].partition(".")[0], len(order))))
    ways: tuple[Callable[[], Proposal | None], ...] = (
        lambda: _turns(lists, leaves),
        lambda: _grouped(leaves),
        lambda: _translation(leaves),
        lambda: _pair(leaves, lists),
        lambda: _each(leaves, lists),
        lambda: _labelled(leaves),
        lambda: _longest(leaves),
    )
    found = [proposal for way in ways if (proposal := way()) is not None]
    if not found:
        return None
    best = max(found, key=lambda proposal: proposal.confidence)
    strip = _strips(best.mapping, leaves, lists)
    return replace(best, mapping=replace(best.mapping, strip=strip)) if strip else best


# --- conversations ---


def _turns(lists: dict[str, Lists], leaves: _Leaves) -> Proposal | None:
    """A list in each row whose items say who speaks and what."""
    for path, found in lists.items():
        if found.is_texts and max(found.lengths) > 1 and _named_turns(path):
            mapping = words.Mapping(turns=path, content=f"{{{path}}}", system=_system(leaves))
            reason = f"`{path}` is a list of texts; user and assistant take turns"
            return Proposal(mapping=mapping, reason=reason, confidence=0.75)
        inner = found.leaves
        role, content = _best(inner, "role", _is_role), _content(inner, least=1)
        if content is None or (role is None and not _named_turns(path)):
            continue
        mapping = words.Mapping(
            turns=path,
            role_column=f"{path}.{role.path}" if role is not None else "",
            content=f"{{{path}.{content.path}}}",
            roles=_roles(role),
            system=_system(leaves),
        )
        who = f"who speaks in `{role.path}`" if role is not None else "user and assistant take turns"
        reason = f"`{path}` is a list of turns: {who}, and what is said in `{content.path}`"
        return Proposal(mapping=mapping, reason=reason, confidence=0.9 if role is not None else 0.7)
    return None


def _grouped(leaves: _Leaves) -> Proposal | None:
    """A table in which each row is a turn."""
    role = _best(leaves, "role", _is_role)
    group = _group(leaves)
    content = _content({path: leaf for path, leaf in leaves.items() if leaf not in (role, group)})
    if role is None or group is None or content is None or role is group:
        return None
    order = _best(leaves, "order", lambda leaf: leaf not in (role, group, content) and leaf.is_order)
    mapping = words.Mapping(
        group_by=group.path,
        order_by=order.path if order is not None else "",
        role_column=role.path,
        content=f"{{{content.path}}}",
        roles=_roles(role),
    )
    reason = (
        f"rows with the same `{group.path}` are one conversation: who speaks in `{role.path}`, "
        f"what is said in `{content.path}`"
    )
    return Proposal(mapping=mapping, reason=reason, confidence=0.92)


def _group(leaves: _Leaves) -> Leaf | None:
    """The column whose values come again: the finest of those that are named so."""
    named = [leaf for leaf in leaves.values() if likeness(leaf.path, "group") >= _LIKE]
    again = [leaf for leaf in named if 1 < leaf.kinds < len(leaf.texts) and leaf.filled > 0.9]
    few = [leaf for leaf in named if leaf.kinds == 1 and 1 < len(leaf.texts) <= _FEW]
    return max(again or few, key=lambda leaf: leaf.kinds, default=None)


def _is_role(leaf: Leaf) -> bool:
    known = sum(text.lower() in SPEAKERS for text in set(leaf.texts))
    return (leaf.is_class and leaf.kinds <= 12) or (bool(leaf.texts) and known >= max(leaf.kinds - 1, 1))


def _roles(role: Leaf | None) -> dict[str, str]:
    """What the values mean, where they are not the usual words."""
    values = list(dict.fromkeys(role.texts)) if role is not None else []
    odd = [value for value in values if value.lower() not in SPEAKERS]
    if {value.lower() for value in values} == {"user", "system"}:
        # Dialogues of machines call the one who answers so.
        return {value: "assistant" for value in values if value.lower() == "system"}
    if not odd:
        return {}
    known = {SPEAKERS[value.lower()] for value in values if value.lower() in SPEAKERS}
    if len(odd) == 1 and known and known != {"user", "assistant"}:
        return {odd[0]: "assistant" if "user" in known else "user"}
    if len(values) == 2:
        # Whoever speaks first asks.
        return {values[0]: "user", values[1]: "assistant"}
    return {"*": "assistant" if "user" in known else "user"}


def _named_turns(path: str) -> bool:
    last = path.rpartition(".")[2]
    return any(word in last for word in _TURNS)


def _content(leaves: _Leaves, least: int = _WORDS) -> Leaf | None:
    texts = [leaf for leaf in leaves.values() if leaf.is_text]
    named = [leaf for leaf in texts if likeness(leaf.path, "body") >= _LIKE or leaf.path == "value"]
    others = [leaf for leaf in texts if leaf.length >= least and not leaf.is_class]
    return max(named or others, key=lambda leaf: leaf.length * leaf.filled, default=None)


# --- one row, one example ---


def _pair(leaves: _Leaves, lists: dict[str, Lists]) -> Proposal | None:
    """A column that is named like an answer, and one that is named like a question or a text."""
    texts = {path: leaf for path, leaf in leaves.items() if leaf.is_text}
    answer = _best(leaves, "answer", lambda leaf: leaf.filled > 0.5 and not _is_name(leaf))
    path = answer.path if answer is not None else _first_answer(lists)
    if path is None:
        return None
    rest = {name: leaf for name, leaf in texts.items() if name != path}
    question = _best(rest, "question", lambda leaf: leaf.filled > 0.5)
    parts = [question] if question is not None else []
    for kind in ("context", "title", "body"):
        part = _best({name: leaf for name, leaf in rest.items() if leaf not in parts}, kind)
        if part is not None and (kind != "body" or _belongs(part, question)):
            parts.append(part)
    if not parts:
        longest = max(rest.values(), key=lambda leaf: leaf.length, default=None)
        if longest is None or longest.length < _WORDS:
            return None
        parts = [longest]
    ordered = [leaf for leaf in rest.values() if leaf in parts]
    asked = "\n\n".join(f"{{{leaf.path}}}" for leaf in ordered)
    if question is None and likeness(path, "summary") >= _LIKE:
        asked = f"Summarize:\n\n{asked}"
    mapping = words.Mapping(question=asked, answer=f"{{{path}}}", system=_system(leaves))
    named = " and ".join(f"`{leaf.path}`" for leaf in ordered)
    like = likeness(path, "answer") if answer is not None else 0.9
    sure = like * (0.95 if question is not None or len(parts) > 1 else 0.8)
    reason = f"{named} {'is' if len(ordered) == 1 else 'are'} what is asked, `{path}` sounds like the answer"
    return Proposal(mapping=mapping, reason=reason, confidence=round(sure, 2))


def _belongs(part: Leaf, question: Leaf | None) -> bool:
    """True for a text that is part of what is asked, such as `question_body` beside `question_title`."""
    return question is None or likeness(part.path, "body") == 1.0 or likeness(part.path, "question") >= _LIKE


def _is_name(leaf: Leaf) -> bool:
    """True for names of people, as `agent` and `user` hold them: single short words that are no answers."""
    short = [text for text in leaf.texts if " " not in text and len(text) < _WORDS]
    named = leaf.path.rpartition(".")[2] in SPEAKERS or likeness(leaf.path, "role") > 0
    return leaf.is_text and named and len(short) > len(leaf.texts) / 2


def _first_answer(lists: dict[str, Lists]) -> str | None:
    """The first of a list of answers."""
    for path, found in lists.items():
        if likeness(path.removesuffix("s"), "answer") >= _LIKE and found.items:
            inner = _content(found.leaves)
            if inner is not None:
                return f"{path}.0.{inner.path}"
            if isinstance(found.items[0], str):
                return f"{path}.0"
    return None


def _each(leaves: _Leaves, lists: dict[str, Lists]) -> Proposal | None:
    """A list in each row whose items are questions with answers, or inputs with outputs."""
    for path, found in lists.items():
        inner = {f"{path}.{name}": leaf for name, leaf in found.leaves.items()}
        for name, leaf in inner.items():
            leaf.path = name
        answer = _best(inner, "answer")
        if answer is None:
            continue
        asked = [leaf for leaf in (_best(leaves, "question"), _best(leaves, "context")) if leaf is not None]
        question = _best({name: leaf for name, leaf in inner.items() if leaf is not answer}, "question")
        asked += [question] if question is not None else []
        if not asked:
            continue
        text = "\n\n".join(f"{{{leaf.path}}}" for leaf in dict.fromkeys(asked))
        mapping = words.Mapping(each=path, question=text, answer=f"{{{answer.path}}}", system=_system(leaves))
        reason = f"`{path}` is a list whose items have `{answer.path}`: each is an example"
        return Proposal(mapping=mapping, reason=reason, confidence=0.85)
    return None


def _translation(leaves: _Leaves) -> Proposal | None:
    """Columns that are named like languages."""
    texts = [leaf for leaf in leaves.values() if leaf.is_text and leaf.path != "id"]
    spoken = [(leaf, name) for leaf in texts if (name := language(leaf.path))]
    if len(spoken) != 2 or len(leaves) > 8:
        return None
    (source, first), (target, second) = spoken
    mapping = words.Mapping(
        question=f"Translate from {first} into {second}:\n\n{{{source.path}}}", answer=f"{{{target.path}}}"
    )
    reason = f"`{source.path}` and `{target.path}` are named like languages"
    return Proposal(mapping=mapping, reason=reason, confidence=0.85)


def _labelled(leaves: _Leaves) -> Proposal | None:
    """A text, and a column of few short values."""
    label = _best(leaves, "label", lambda leaf: leaf.is_class)
    if label is None:
        return None
    texts = [leaf for leaf in leaves.values() if leaf.is_text and leaf is not label]
    texts = [leaf for leaf in texts if (not leaf.is_class or leaf.length >= _WORDS) and leaf.filled > 0.5]
    if not texts:
        return None
    asked = _asked(texts)
    numbered = "; name its numbers with labels: {0: …}" if label.is_number else ""
    reason = f"`{label.path}` holds {label.kinds} different short values, as labels do{numbered}"
    mapping = words.Mapping(question=asked, answer=f"{{{label.path}}}")
    return Proposal(mapping=mapping, reason=reason, confidence=round(0.7 * likeness(label.path, "label"), 2))


def _asked(texts: list[Leaf]) -> str:
    """The texts that a label is about: the longest, what is named like a text, or all of two or three."""
    longest = max(texts, key=lambda leaf: leaf.length)
    named = [leaf for leaf in texts if 1.0 in (likeness(leaf.path, "body"), likeness(leaf.path, "title"))]
    if named or len(texts) > _BOTH:
        return "\n\n".join(f"{{{leaf.path}}}" for leaf in texts if leaf is longest or leaf in named)
    if len(texts) == 1:
        return f"{{{longest.path}}}"
    return "\n".join(f"{leaf.path.rpartition('.')[2].capitalize()}: {{{leaf.path}}}" for leaf in texts)


def _longest(leaves: _Leaves) -> Proposal | None:
    """Texts of which nobody knows what they are: two are asked and answered, one is learnt whole."""
    texts = sorted((leaf for leaf in leaves.values() if leaf.is_text), key=lambda leaf: -leaf.length)
    texts = [leaf for leaf in texts if leaf.length >= _WORDS and leaf.filled > 0.5]
    titles = [leaf for leaf in texts if likeness(leaf.path, "title") >= _LIKE]
    if not texts:
        return None
    if len(texts) == 1 or likeness(texts[0].path, "body") == 1.0:
        above = [leaf for leaf in leaves.values() if leaf in titles and leaf is not texts[0]][:1]
        text = "\n\n".join(f"{{{leaf.path}}}" for leaf in [*above, texts[0]])
        reason = f"`{texts[0].path}` holds the longest texts, and nothing is named like an answer"
        return Proposal(mapping=words.Mapping(text=text), reason=reason, confidence=0.35)
    first, second = sorted(texts[:2], key=lambda leaf: list(leaves.values()).index(leaf))
    mapping = words.Mapping(question=f"{{{first.path}}}", answer=f"{{{second.path}}}")
    reason = f"`{first.path}` and `{second.path}` hold the longest texts; their names say nothing"
    return Proposal(mapping=mapping, reason=reason, confidence=0.25)


# --- what all of them need ---


def _best(
    leaves: _Leaves, kind: str, fits: Callable[[Leaf], bool] = lambda leaf: leaf.is_text
) -> Leaf | None:
    """The leaf whose name sounds most like `kind` among those that fit."""
    found = [leaf for leaf in leaves.values() if likeness(leaf.path, kind) >= _LIKE and fits(leaf)]
    return max(found, key=lambda leaf: (likeness(leaf.path, kind), leaf.filled), default=None)


def _system(leaves: _Leaves) -> str:
    found = _best(leaves, "system")
    return f"{{{found.path}}}" if found is not None else ""


def _strips(mapping: words.Mapping, leaves: _Leaves, lists: dict[str, Lists]) -> list[Strip]:
    """What stands in the texts that are composed and should not be learnt."""
    used = "".join(
        (mapping.question, mapping.answer, mapping.prompt, mapping.completion, mapping.text, mapping.content)
    )
    texts = [text for leaf in leaves.values() if f"{{{leaf.path}}}" in used for text in leaf.texts]
    for found in lists.values():
        inner = found.leaves
        texts += [t for leaf in inner.values() if f"{{{found.path}.{leaf.path}}}" in used for t in leaf.texts]
    enough = max(_SOME * len(texts), 1)
    return [name for name, mark in _MARKS.items() if sum(map(bool, map(mark.search, texts))) >= enough]
