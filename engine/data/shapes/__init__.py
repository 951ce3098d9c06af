"""The shapes of rows that are understood, and how each becomes a text, a pair or a conversation."""

from engine.data.shapes.example import Chat, Document, Example, Pair, is_learnt
from engine.data.shapes.recognise import (
    CHATS,
    PREFERENCES,
    SHAPES,
    Shape,
    example_of,
    fits,
    fitting,
    shape_of_most,
    unused_columns,
)

__all__ = [
    "CHATS",
    "PREFERENCES",
    "SHAPES",
    "Chat",
    "Document",
    "Example",
    "Pair",
    "Shape",
    "example_of",
    "fits",
    "fitting",
    "is_learnt",
    "shape_of_most",
    "unused_columns",
]
