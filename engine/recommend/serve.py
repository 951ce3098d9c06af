"""The side job `recommend`: looks at the model and the rows of one recipe, recommends, and ends."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from engine.line import Line
from engine.recipe.places import check_paths, placed
from engine.recipe.yaml import parse
from engine.recommend import talk
from engine.recommend.advise import recommend
from engine.recommend.look import Looking

_SECONDS: Final = 20.0
"""For which rows are looked at."""
_EVERY: Final = 0.5


def serve(spec: bytes, line: Line) -> None:
    """Answer the one wish in `spec`.

    Raises:
        Problem: the recipe names what is not there, or its data cannot be read.
    """
    asked = talk.ask(spec)
    file = parse(asked.text, Path(asked.path))
    check_paths(file)
    looking, said = Looking(placed(file), frozenset(asked.kept)), 0.0
    for share in looking.steps(_SECONDS):
        line.hear()  # raises Gone where nobody waits any more
        if time.monotonic() - said >= _EVERY:
            said = time.monotonic()
            line.say(talk.encode(talk.Told(share=share)))
    line.say(talk.encode(talk.Told(share=1.0, found=recommend(looking.situation(), asked.lessons))))
