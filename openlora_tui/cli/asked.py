"""How rows become tokens, as the words of `openlora inspect` ask for it."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from engine.templates.registry import is_file

if TYPE_CHECKING:
    from engine.data.rules import Rules


def rules_asked(args: argparse.Namespace) -> Rules:
    """The template that is asked for, a file by its absolute path."""
    from engine.data.rules import Rules  # on use: `--help` needs no tokenizer

    name = args.chat_template
    return Rules(chat_template=name and (os.path.abspath(name) if is_file(name) else name))
