"""All sayings; the order says nothing, likelihood does."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said import (
    cards,
    devices,
    files,
    gradients,
    hub,
    labels,
    launching,
    memory,
    numerics,
    precision,
    quantised,
    resuming,
    rows,
    saving,
    shipping,
    targets,
    tokens,
    unlisted,
    versions,
    waiting,
)
from engine.advisor.rules.said.saying import Saying

SAYINGS: Final[tuple[Saying, ...]] = (
    *memory.SAYINGS,
    *numerics.SAYINGS,
    *tokens.SAYINGS,
    *labels.SAYINGS,
    *targets.SAYINGS,
    *gradients.SAYINGS,
    *precision.SAYINGS,
    *devices.SAYINGS,
    *quantised.SAYINGS,
    *cards.SAYINGS,
    *rows.SAYINGS,
    *files.SAYINGS,
    *saving.SAYINGS,
    *resuming.SAYINGS,
    *launching.SAYINGS,
    *hub.SAYINGS,
    *versions.SAYINGS,
    *shipping.SAYINGS,
    *waiting.SAYINGS,
    *unlisted.SAYINGS,
)
