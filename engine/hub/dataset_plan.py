"""What it takes to have a split of a dataset here: its data files at one commit, and its README."""

from __future__ import annotations

from typing import Final

import msgspec
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url

from engine.data.refusal import Refusal, as_refusal
from engine.hub import problems
from engine.hub.names import MAIN
from engine.hub.plan import TIMEOUT, Plan, file_of, listing, patiently, text_at
from engine.problem import Problem
from engine.sources.entry import Entry
from engine.sources.layout import layout
from engine.sources.resolve import Chosen, Purpose, choose

_KIND: Final = "datasets"
_README: Final = "README.md"
_README_BYTES: Final = 8 << 20
"""Above this it is not read for what it says of files."""


class DatasetPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a dataset, and the entry that names exactly them ever after."""

    plan: Plan
    entry: Entry
    said: list[str]
    """What was decided that a person should know."""


def dataset_plan(entry: Entry, purpose: Purpose = "train") -> DatasetPlan:
    """Ask the hub what the dataset consists of, and choose the files of the split that is meant.

    Raises:
        Refusal: the hub does not hand it out or cannot be reached, or it is not told what is meant.
    """
    name, asked = entry.path, entry.revision or MAIN
    with problems.explaining(name, asked, _KIND):
        api = HfApi()
        info = patiently(
            lambda: api.dataset_info(name, revision=entry.revision, files_metadata=True, timeout=TIMEOUT)
        )
        commit = info.sha or asked
        listed = listing(info.siblings)
        readme = listed.get(_README)
        if info.gated:  # the files are listed for everyone; who may have them shows only in asking for one
            get_hf_file_metadata(hf_hub_url(name, next(iter(listed)), revision=commit, repo_type="dataset"))
        small = readme is not None and (readme.size or 0) <= _README_BYTES
        chosen = _chosen(list(listed), text_at(name, commit, _README, _KIND) if small else "", entry, purpose)
        names = [*([_README] if readme is not None else []), *chosen.names]
        files = [file_of(name, commit, listed[each], _KIND) for each in names]
    exact = msgspec.structs.replace(entry, revision=commit, name=chosen.config, split=chosen.split)
    plan = Plan(model=name, asked=asked, revision=commit, files=files, kind=_KIND)
    return DatasetPlan(plan=plan, entry=exact, said=chosen.said)


def _chosen(names: list[str], readme: str, entry: Entry, purpose: Purpose) -> Chosen:
    try:
        return choose(layout(names, readme), entry, purpose)
    except Refusal:
        raise
    except Problem as problem:
        raise as_refusal("dataset_format", problem) from None
