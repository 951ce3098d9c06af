"""The words of `openlora runs` for what runs are called, came to and taught."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from openlora_tui.cli import compare, dismiss, explain, labels, memory


def add(commands: Any, action: Callable[..., argparse.ArgumentParser]) -> None:
    """Add them to the commands of `openlora runs` by its own `action`."""
    words = "runs side by side: settings, outcome, cost, noise, curves"
    compare.arguments(action(commands, "compare", words, compare.compare, run=False))
    words = "why one of two runs came out better"
    explain.arguments(action(commands, "why", words, explain.explain, run=False))
    words = "find runs, deleted ones too: words, status:failed, rate>1e-4, tag:good, not:word"
    memory.search_words(action(commands, "search", words, memory.search, run=False))
    labels.tag_words(action(commands, "tag", "give a run tags, or take them away", labels.tag))
    labels.note_words(action(commands, "note", "write a note on a run", labels.note))
    labels.rename_words(action(commands, "rename", "give a run another name", labels.rename))
    words = "put a finding of a run aside, for the run, its data, its model or always"
    dismiss.arguments(action(commands, "dismiss", words, dismiss.dismiss))
    words = "let runs count no more, those too that are deleted"
    memory.forget_words(action(commands, "forget", words, memory.forget, run=False))
    words = "carry what all runs taught to another machine, in one file"
    memory.memory_words(action(commands, "memory", words, memory.memory, run=False))
    words = "what became here of each rule's advice: applied, helped, harmed, put aside"
    action(commands, "rules", words, memory.rules, run=False)
