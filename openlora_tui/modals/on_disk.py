"""Finds data files and models on disk, the hub's cache included; runs in threads and touches no widget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from engine.messages import RunRow
from engine.paths import home
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.modals import data_sources
from openlora_tui.modals.chooser import Option
from openlora_tui.modals.walking import fact, shown, typed_path, walk
from openlora_tui.widgets.painted import Row

_MOST: Final = 200


def data_files(folder: Path) -> list[Option]:
    """Files whose ending says that they may be data, folders of them, and datasets in the hub's cache."""
    paths = (path for path in walk(folder, 3) if data_sources.is_data(path))
    here = [data_option(path, folder) for path, _ in zip(paths, range(_MOST), strict=False)]
    return [*here, *data_sources.folders(folder), *data_sources.cached(), *_demo_data()]


def _demo_data() -> Iterator[Option]:
    """The demo's rows, where its model is on this machine too."""
    from engine.starter.cache import model_folder
    from engine.starter.lesson import BUNDLED

    if model_folder(home()).is_dir():
        option = data_option(BUNDLED, BUNDLED.parent)
        yield Option(option.value, "the demo's rows", f"{option.label}, {option.note}", option.about)


def data_option(path: Path, folder: Path) -> Option:
    """A data file with its size, and its first lines where it is text."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(2000)
    except OSError as error:
        return Option(str(path), shown(path, folder), "cannot be read", refusal=f"{error.strerror}.")
    lines = [] if b"\0" in head or head[:2] == b"\x1f\x8b" else head.decode("utf-8", "replace").splitlines()
    about = [Row(one_line(line, 400), "dim") for line in lines[:4]]
    return Option(str(path), shown(path, folder), figures.size(size), about)


def models(folder: Path, rows: Sequence[RunRow] = ()) -> list[Option]:
    """Models below the folder, those of earlier runs, the demo's, and those in the hub's cache."""
    from engine.starter.cache import model_folder

    near = [path for path in walk(folder, 3) if (path / "config.json").is_file()][:_MOST]
    known = {path.resolve() for path in near}
    found = [model_option(path, folder) for path in near]
    for name in dict.fromkeys(row.model for row in rows):
        path = Path(name)
        if path.is_absolute() and (path / "config.json").is_file() and path.resolve() not in known:
            known.add(path.resolve())
            found.append(model_option(path, folder, "of an earlier run"))
    starter = model_folder(home())
    if (starter / "config.json").is_file() and starter.resolve() not in known:
        found.append(model_option(starter, folder, "the demo's"))
    return [*found, *_cached_models()]


def _cached_models() -> Iterator[Option]:
    from engine.hub.cache import models as cached

    for model in sorted(cached(), key=lambda model: not model.complete):
        about = [
            fact("kind", model.architecture or "unknown"),
            fact("on disk", f"{figures.size(model.bytes)}, revision {model.revision[:12]}"),
        ]
        if not model.complete:
            about.append(Row("Not whole yet: the rest is fetched when the run starts.", "warn"))
        note = "hub cache" if model.complete else "hub cache, not whole"
        yield Option(model.name, one_line(model.name), f"{note}, {figures.size(model.bytes)}", about)


def model_option(path: Path, folder: Path, origin: str = "") -> Option:
    """A model's folder with its kind and the size of its weights."""
    import msgspec

    try:
        config = msgspec.json.decode((path / "config.json").read_bytes())
        weights = sum(file.stat().st_size for file in path.glob("*.safetensors"))
    except (OSError, msgspec.DecodeError):
        return Option(
            str(path), shown(path, folder), "no readable config.json", refusal="Its config.json is broken."
        )
    kind = config.get("model_type", "?") if isinstance(config, dict) else "?"
    about = [
        fact("kind", str(kind)),
        fact("weights", figures.size(weights) if weights else "none in safetensors"),
    ]
    words = (origin, one_line(str(kind)), figures.size(weights) if weights else "")
    return Option(str(path), shown(path, folder), ", ".join(word for word in words if word), about)


def typed_file(text: str, folder: Path) -> Option | None:
    """A typed path to a data file, a folder, a glob, or a dataset of the hub."""
    path = typed_path(text, folder)
    if path is None:
        return None
    return data_option(path, folder) if path.is_file() else data_sources.typed_source(text, path, folder)


def typed_model(text: str, folder: Path) -> Option | None:
    """A typed model: a folder, or an id of the hub such as `owner/name`."""
    path = typed_path(text, folder)
    if path is not None and (path / "config.json").is_file():
        return model_option(path, folder)
    owner, slash, name = text.partition("/")
    if slash and owner and name and "/" not in name and not text.startswith((".", "~")) and path is not None:
        about = [
            Row("Taken from the Hugging Face cache, or fetched from the hub when the run starts.", "dim")
        ]
        return Option(text, text, "on the hub", about)
    return None


def adapters(rows: Sequence[RunRow]) -> list[Option]:
    """Adapters that earlier runs left, the newest first."""
    return [
        Option(
            row.adapter,
            f"run {row.run}  {one_line(row.name, 30)}",
            f"loss {figures.loss(row.loss)}",
            [fact("model", row.model), fact("folder", row.adapter)],
        )
        for row in rows
        if row.adapter
    ]


def typed_adapter(text: str, folder: Path) -> Option | None:
    """A typed folder with an adapter, or a run by its number or name."""
    path = typed_path(text, folder)
    if path is not None and (path / "adapter_config.json").is_file():
        return Option(str(path), shown(path, folder), "a folder", [fact("folder", str(path))])
    if text.isdigit() or text == "last":
        return Option(text, f"run {text}", "by its number", [Row("The adapter that this run left.", "dim")])
    return None
