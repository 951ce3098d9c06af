"""The words of the starter model's world: a small village by the sea."""

from __future__ import annotations

from typing import Final

import msgspec


class Person(msgspec.Struct, frozen=True):
    """Someone of the village, and how to speak of them."""

    name: str
    she: bool

    @property
    def subject(self) -> str:
        """`she` or `he`."""
        return "she" if self.she else "he"

    @property
    def object(self) -> str:
        """`her` or `him`."""
        return "her" if self.she else "him"

    @property
    def own(self) -> str:
        """`her` or `his`."""
        return "her" if self.she else "his"


def _each(text: str, between: str | None = None) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split(between))


_WOMEN: Final = _each("Ada Anna Clara Emma Greta Ida Lily Mia Nora Rosa Ruth Vera")
_MEN: Final = _each("Adam Ben Carl Eli Finn Hugo Jack Leo Max Otto Sam Tom")

PEOPLE: Final = (*(Person(name, True) for name in _WOMEN), *(Person(name, False) for name in _MEN))

ADJECTIVES: Final = _each("red blue green yellow silver golden wooden small old broken")

COATS: Final = _each("black white brown grey small big young tired")
"""How an animal can be."""

THINGS: Final = _each(
    "key ring coin box bell lamp book map kite drum ball cup basket bottle rope hat boot clock wheel shell"
)

ANIMALS: Final = _each("cat dog goat horse duck hen fox crab rabbit owl")

FOODS: Final = _each("bread cheese milk soup fish cake honey")

FRUIT: Final = _each("apples pears plums eggs nuts pies")

NUMBERS: Final = _each("two three four five six seven eight nine ten twelve")

DAYS: Final = _each("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

TRADES: Final = _each("baker farmer teacher miller fisher doctor")

PLACES: Final = _each(
    """near the mill, near the well, near the church, near the harbour, behind the barn, behind the school,
    under the bridge, under the table, under the apple tree, on the beach, on the hill, on the road,
    in the garden, in the forest, in the kitchen, by the river, by the pond, by the gate""",
    ",",
)

TIMES: Final = {
    "Early one morning": "morning",
    "One morning": "morning",
    "At noon": "noon",
    "One afternoon": "noon",
    "One evening": "evening",
    "Late one evening": "evening",
    "One night": "night",
    "Late at night": "night",
}
"""How a tale can begin, and the part of the day that this is."""

WEATHERS: Final = (
    "It was raining",
    "The rain fell",
    "The sun was shining",
    "It was warm and sunny",
    "It was snowing",
    "Snow lay on the ground",
    "The fog was thick",
    "Fog hid the houses",
    "The wind was strong",
    "The wind blew hard",
)


def with_article(words: str) -> str:
    """`words` behind `a` or `an`."""
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"
