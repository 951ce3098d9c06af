"""Writes the starter model's schoolbook: short tales and reports of a village, as many as wanted."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from engine.starter import words
from engine.starter.words import Person, with_article

_T = TypeVar("_T")


class Teller:
    """Draws the people, things and places of tales; two tellers with the same seed tell the same tales.

    All of them come back within a tale, because a model learns to look back at what was said
    only where looking back pays.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"tales {seed}")

    def tales(self) -> Iterator[str]:
        """Tales without end, each a single paragraph."""
        while True:
            yield self.pick(_PLOTS)(self)

    def pick(self, choices: Sequence[_T]) -> _T:
        """One of `choices`."""
        return self._random.choice(choices)

    def two(self, choices: Sequence[_T]) -> tuple[_T, _T]:
        """Two different ones of `choices`."""
        first, second = self._random.sample(choices, 2)
        return first, second

    def thing(self) -> str:
        """Such as `silver key`."""
        return f"{self.pick(words.ADJECTIVES)} {self.pick(words.THINGS)}"

    def animal(self) -> str:
        """Such as `grey cat`."""
        return f"{self.pick(words.COATS)} {self.pick(words.ANIMALS)}"

    def opening(self, event: str) -> str:
        """The first words of a tale in which `event` happens, such as `Nora found a key by the pond`."""
        return opening(self.pick([*words.TIMES]), self.pick(words.WEATHERS), event, self._random.random())


def opening(time: str, weather: str, event: str, form: float) -> str:
    """How a tale begins: the time, the weather and what happened; `form` in [0, 1) chooses the order."""
    lowered = time[0].lower() + time[1:]
    if form < 0.4:
        return f"{time}, {event}. {weather}."
    if form < 0.8:
        return f"{weather}. {time}, {event}."
    return f"{weather} when, {lowered}, {event}."


def _found(tell: Teller) -> str:
    (who, owner), thing, place = tell.two(words.PEOPLE), tell.thing(), tell.pick(words.PLACES)
    other = tell.pick(words.TRADES)
    return " ".join([
        tell.opening(f"{who.name} found {with_article(thing)} {place}"),
        tell.pick([
            f'"Whose {thing} is this?" {who.subject} said.',
            f"{who.name} picked up the {thing} and looked at it.",
            f"{who.name} put the {thing} in {who.own} bag.",
        ]),
        tell.pick([
            f'{who.name} asked the {other}. "It is not mine," said the {other}. "Ask {owner.name}."',
            f"Then {who.name} saw {owner.name}, who was looking for something.",
        ]),
        f'"Is this your {thing}?" asked {who.name}.',
        tell.pick([
            f'"Yes, that is my {thing}!" said {owner.name}.',
            f'{owner.name} smiled. "Yes, I lost my {thing} {place}."',
        ]),
        _ending(tell, owner, who),
    ])  # fmt: skip


def _lost(tell: Teller) -> str:
    (who, friend), thing = tell.two(words.PEOPLE), tell.thing()
    here, there = tell.two(words.PLACES)
    return " ".join([
        tell.opening(f"{who.name} lost {with_article(thing)} {here}"),
        f"{who.name} was sad, because {who.subject} liked the {thing} very much.",
        tell.pick([
            f"{friend.name} came to help {who.object}.",
            f'"I will help you," said {friend.name}.',
        ]),
        f"They looked {here}, but the {thing} was not there.",
        f"Then they looked {there}.",
        tell.pick([
            f'"Here it is!" said {friend.name}. The {thing} was {there}.',
            f"{friend.name} found the {thing} {there} and gave it to {who.name}.",
        ]),
        _ending(tell, who, friend),
    ])  # fmt: skip


def _met(tell: Teller) -> str:
    who, animal, place, food = (
        tell.pick(words.PEOPLE), tell.animal(), tell.pick(words.PLACES), tell.pick(words.FOODS),
    )  # fmt: skip
    kind = animal.split()[1]
    return " ".join([
        tell.opening(f"{who.name} saw {with_article(animal)} {place}"),
        tell.pick([
            f"The {kind} was hungry, so {who.name} gave it some {food}.",
            f'"Are you hungry?" said {who.name}, and gave the {kind} some {food}.',
        ]),
        tell.pick([
            f"The {kind} ate the {food} and looked at {who.name}.",
            f"The {kind} liked the {food}.",
        ]),
        tell.pick([
            f"Then the {animal} followed {who.object} home.",
            f"From that day on the {animal} waited for {who.name} {place}.",
            f"{who.name} went home, and the {animal} slept {place}.",
        ]),
    ])  # fmt: skip


def _mended(tell: Teller) -> str:
    (who, friend), thing, place = tell.two(words.PEOPLE), tell.thing(), tell.pick(words.PLACES)
    trade, food = tell.pick(words.TRADES), tell.pick(words.FOODS)
    return " ".join([
        tell.opening(f"{who.name} made {with_article(thing)} {place}"),
        f"The {thing} was for {friend.name}, the {trade}.",
        tell.pick([
            f"{who.name} worked all day, and {friend.name} brought {who.object} some {food}.",
            f"It was hard work, but {who.name} liked to work {place}.",
        ]),
        f'"Here is your {thing}," said {who.name}.',
        tell.pick([
            f'"What a good {thing}!" said {friend.name} the {trade}.',
            f"{friend.name} the {trade} gave {who.object} {tell.pick(words.NUMBERS)} coins for it.",
        ]),
        _ending(tell, friend, who),
    ])  # fmt: skip


def _market(tell: Teller) -> str:
    (seller, buyer), fruit, count = tell.two(words.PEOPLE), tell.pick(words.FRUIT), tell.pick(words.NUMBERS)
    return " ".join([
        f"News from the market. On {tell.pick(words.DAYS)}",
        f"{seller.name} sold {fruit} {tell.pick(words.PLACES)}.",
        f"{buyer.name} bought {count} {fruit} from {seller.name}.",
        tell.pick([
            f'"These {count} {fruit} are good," said {buyer.name}.',
            f"{seller.name} put the {count} {fruit} in a basket for {buyer.name}.",
        ]),
        tell.pick([
            f"{buyer.name} went home and ate the {fruit}.",
            f"The next day {buyer.name} came back for more {fruit}.",
        ]),
    ])  # fmt: skip


def _sea(tell: Teller) -> str:
    (captain, sailor), thing = tell.two(words.PEOPLE), tell.thing()
    return " ".join([
        f"Captain {captain.name} had a ship, and {sailor.name} was a sailor on it.",
        f"{tell.pick(words.WEATHERS)}, and the sea was {tell.pick(['rough', 'calm', 'grey', 'blue'])}.",
        tell.pick([
            f"{sailor.name} saw {with_article(thing)} in the water and took it aboard.",
            f"The crew carried {with_article(thing)} aboard and put it below deck in the hold.",
        ]),
        f'"What will you do with the {thing}?" asked Captain {captain.name}.',
        f'"I will keep the {thing} {tell.pick(_KEPT)}," said {sailor.name}.',
        f"All hands were well, and the ship came home in {tell.pick(words.NUMBERS)} days.",
    ])  # fmt: skip


def _visit(tell: Teller) -> str:
    (who, friend), place, food = tell.two(words.PEOPLE), tell.pick(words.PLACES), tell.pick(words.FOODS)
    thing = tell.thing()
    return " ".join([
        tell.opening(f"{who.name} met {friend.name} {place}"),
        tell.pick([
            f'"Good day, {friend.name}," said {who.name}. "Good day, {who.name}," said {friend.name}.',
            f'"Where are you going, {friend.name}?" asked {who.name}.',
        ]),
        f'"I want to show you my {thing}," said {friend.name}.',
        tell.pick([
            f"They sat down {place}, ate {food} and looked at the {thing}.",
            f'"That is a very good {thing}," said {who.name}, and gave {friend.object} some {food}.',
        ]),
        _ending(tell, who, friend),
    ])  # fmt: skip


def _ending(tell: Teller, first: Person, second: Person) -> str:
    return tell.pick([
        f"{first.name} thanked {second.name}, and they went home together.",
        f'"Thank you, {second.name}," said {first.name}.',
        f"{first.name} was happy and gave {second.name} some {tell.pick(words.FOODS)}.",
        f"After that {first.name} and {second.name} were good friends.",
        f'"You are a good friend, {second.name}," said {first.name}, and {second.name} smiled.',
    ])  # fmt: skip


_KEPT: Final = ("in the hold", "on deck", "for the crew")
_PLOTS: Final[tuple[Callable[[Teller], str], ...]] = (
    _found, _found, _lost, _met, _met, _mended, _market, _sea, _visit,
)  # fmt: skip
