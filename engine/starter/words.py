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


_WOMEN: Final = _each(
    """Ada Alma Anna Bella Clara Cora Dora Edna Ella Emma Fay Flora Grace Greta Hanna Ida Ivy June Kate
    Lena Lily Lucy Mara Mia Nell Nora Olga Rosa Ruth Tess Vera Wilma"""
)
_MEN: Final = _each(
    """Abel Adam Alec Arno Ben Carl Dan Eli Emil Finn Fred Gus Hal Hugo Ivan Jack Joel Karl Leo Max
    Milo Ned Noah Oscar Otto Paul Rolf Sam Theo Tom Victor Walt"""
)

PEOPLE: Final = (*(Person(name, True) for name in _WOMEN), *(Person(name, False) for name in _MEN))

ADJECTIVES: Final = _each(
    """red blue green yellow white black brown silver golden wooden small big old new round long broken
    shiny heavy striped"""
)

COATS: Final = _each("black white brown grey yellow small big old young hungry tired wet lost quiet")
"""How an animal can be."""

THINGS: Final = _each(
    """key ring coin box bell lamp book map kite drum flute ball doll cup plate spoon basket bottle
    rope ladder hat coat glove boot scarf button needle clock mirror brush hammer wheel blanket bag
    letter candle shell stone feather whistle"""
)

ANIMALS: Final = _each("cat dog goat horse duck hen fox crab gull rabbit mouse sheep pig owl donkey turtle")

FOODS: Final = _each("bread cheese milk soup corn fish cake honey butter jam")

FRUIT: Final = _each("apples pears plums eggs carrots onions buns nuts pies candles")

NUMBERS: Final = _each("two three four five six seven eight nine ten twelve")

DAYS: Final = _each("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

TRADES: Final = _each("baker farmer teacher miller smith fisher tailor doctor painter gardener")

PLACES: Final = _each(
    """near the mill, near the well, near the church, near the school, near the harbour, near the
    market, near the barn, near the lighthouse, behind the bakery, behind the barn, behind the
    church, behind the school, behind the inn, under the bridge, under the stairs, under the table,
    under a bench, under the apple tree, on the beach, on the hill, on the road, on the roof, on the
    market square, in the garden, in the forest, in the meadow, in the cellar, in the kitchen, in
    the attic, in the stable, by the river, by the pond, by the gate, by the old oak, at the end of
    the pier, beside the hay cart""",
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

WEATHERS: Final = {
    "It was raining": "rain",
    "The rain fell": "rain",
    "The sun was shining": "sun",
    "It was warm and sunny": "sun",
    "It was snowing": "snow",
    "Snow lay on the ground": "snow",
    "The fog was thick": "fog",
    "Fog hid the houses": "fog",
    "The wind was strong": "wind",
    "The wind blew hard": "wind",
}
"""A sentence on the weather, and its one word."""


def with_article(words: str) -> str:
    """`words` behind `a` or `an`."""
    return f"an {words}" if words[0] in "aeiou" else f"a {words}"
