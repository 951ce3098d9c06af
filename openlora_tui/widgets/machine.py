"""The machine: as a panel in Train and Runs, and as one line where there is no room for it."""

from __future__ import annotations

from engine.messages import Gpu, Machine
from engine.run_state import RunState
from engine.text import one_line
from openlora_tui import figures
from openlora_tui.glyphs import Glyphs
from openlora_tui.widgets.painted import Painted, Row, between, fitting


def bar(part: float, width: int, glyphs: Glyphs, role: str = "accent") -> Row:
    """A bar in eighths of a cell over a faint ground."""
    eighths = round(min(max(part, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    text = glyphs.blocks[-1] * full
    if rest and full < width:
        text += glyphs.blocks[rest] if glyphs.braille else ""
    row = Row(text, f"{role} on panel")
    return row.add(" " * (width - row.width), "text on panel")


def gauge(part: float, width: int, glyphs: Glyphs, role: str = "accent") -> Row:
    """A thin bar, for where several stand above each other."""
    halves = round(min(max(part, 0.0), 1.0) * width * 2)
    full, half = divmod(halves, 2)
    text = glyphs.thin[0] * full + glyphs.thin[1] * half
    return Row(text, role).add(glyphs.thin[0] * (width - len(text)), "panel")


def load_role(part: float) -> str:
    """Memory that is nearly used up asks for attention."""
    return "bad" if part >= 0.97 else "warn" if part >= 0.9 else "accent"


def one_row(machine: Machine, width: int) -> Row:
    """The machine in one line, as much as fits: its GPUs, or without one its processor."""
    if not machine.gpus:
        cpu = Row("cpu ", "dim").add(f"{figures.percent(machine.cpu):>5}")
        ram = Row("ram ", "dim").add(figures.share(machine.ram_used, machine.ram_total))
        return _whole([cpu, ram], "   ", width)
    row = Row()
    for gpu in machine.gpus[:2]:
        gap = "   " if row.width else ""
        found = _whole(_gpu_parts(gpu), "  ", width - row.width - len(gap))
        if found.width:
            row.add(gap).join(found)
    return row


def _whole(parts: list[Row], gap: str, width: int) -> Row:
    """The first parts that fit; nothing where not even the first does."""
    row = fitting(parts, gap, width)
    return row if row.width <= width else Row()


def _gpu_parts(gpu: Gpu) -> list[Row]:
    head = Row(f"gpu{gpu.index}", "dim")
    if gpu.utilisation is not None:
        head.add(f" {figures.percent(gpu.utilisation):>5}")
    role = load_role(gpu.used / max(gpu.total, 1)).replace("accent", "text")
    return [head, Row(figures.share(gpu.used, gpu.total), role), *map(Row, _extras(gpu))]


def _extras(gpu: Gpu) -> list[str]:
    found = []
    if gpu.celsius is not None:
        found.append(f"{gpu.celsius:.0f} °C")
    if gpu.watts is not None:
        found.append(f"{gpu.watts:.0f} W")
    return found


def moved(old: Machine | None, new: Machine) -> bool:
    """True where an idle machine has changed so much that a person would want to know."""
    if old is None or len(old.gpus) != len(new.gpus) or abs(old.cpu - new.cpu) >= 0.25:
        return True
    if abs(old.ram_used - new.ram_used) > new.ram_total * 0.03:
        return True
    pairs = zip(old.gpus, new.gpus, strict=True)
    return any(abs(a.used - b.used) > b.total * 0.03 for a, b in pairs)


class MachinePanel(Painted):
    """CPU, memory, GPUs, and the worker's share of them."""

    DEFAULT_CSS = "MachinePanel { height: auto; }"

    def __init__(self, *, id: str | None = None, worker: bool = True) -> None:
        super().__init__(id=id)
        self._worker = worker

    def repaint(self) -> None:
        """Paint, after making room for what there is to show."""
        wanted = len(self.rows(max(self.size.width, 20), 99))
        if self.styles.height is None or self.styles.height.value != wanted:
            self.styles.height = wanted
        super().repaint()

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        """As many rows as there is to show."""
        return len(self.rows(max(width, 20), 99))

    def rows(self, width: int, height: int) -> list[Row]:
        """A heading, then a line for each part of the machine."""
        rows = [heading("machine", "", width, self.tui.glyphs)]
        machine = self.tui.session.machine
        if machine is None:
            return [*rows, Row("not measured yet", "dim")]
        cores = f"{machine.cores} cores"
        rows.append(
            self._line("cpu", machine.cpu, f"{figures.percent(machine.cpu)} of {cores}", width, plain=True)
        )
        part = machine.ram_used / max(machine.ram_total, 1)
        rows.append(self._line("ram", part, figures.share(machine.ram_used, machine.ram_total), width))
        for gpu in machine.gpus:
            rows += self._gpu(gpu, width)
        state = self.tui.session.state
        if self._worker and state is not None:
            rows += self._run(state, width)
        return rows

    def _line(self, name: str, part: float, text: str, width: int, *, plain: bool = False) -> Row:
        role = "accent" if plain else load_role(part)
        room = max(width - 6 - 19, 4)
        row = Row(name.ljust(6), "dim").join(gauge(part, room, self.tui.glyphs, role))
        return (
            row.to(width - len(text)).add(text) if width - len(text) > row.width else row.add(" ").add(text)
        )

    def _gpu(self, gpu: Gpu, width: int) -> list[Row]:
        name = f"gpu{gpu.index}"
        name_row = Row(name.ljust(6), "dim").add(one_line(gpu.name.removeprefix("NVIDIA ")))
        rows = [between(name_row, Row("  ".join(_extras(gpu))), width)]
        if gpu.utilisation is not None:
            rows.append(
                self._line("  use", gpu.utilisation, figures.percent(gpu.utilisation), width, plain=True)
            )
        rows.append(
            self._line("  mem", gpu.used / max(gpu.total, 1), figures.share(gpu.used, gpu.total), width)
        )
        return rows

    def _run(self, state: RunState, width: int) -> list[Row]:
        pulse = state.heartbeat
        if pulse is None or state.ended:
            return []
        text = Row(figures.size(pulse.rss)).add("  cpu ", "dim").add(f"{pulse.cpu:.1f} cores")
        rows = [between(Row("worker", "dim"), text, width)]
        if pulse.device_bytes or pulse.device_peak:
            device = (
                Row(figures.size(pulse.device_bytes))
                .add("  peak ", "dim")
                .add(figures.size(pulse.device_peak))
            )
            rows.append(between(Row("  gpu", "dim"), device, width))
        return rows


def heading(title: str, note: str, width: int, glyphs: Glyphs) -> Row:
    """A heading with a rule, and at its right end a remark."""
    right = Row(f" {note}", "dim") if note else Row()
    row = Row(f"{title} ", "dim")
    return row.add(glyphs.rule * max(width - row.width - right.width, 0), "faint").join(right)
