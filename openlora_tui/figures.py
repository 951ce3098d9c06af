"""Numbers as people read them: units, thousands, and no more digits than mean something."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.text import one_line

_SIZES: Final = ((1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"))
_LARGE: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_ANCESTORS: Final = 4


def loss(value: float | None) -> str:
    """A loss with three digits after the point, fewer where it is large."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def rate(value: float | None) -> str:
    """A learning rate as `1.8e-4`."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def short(value: float) -> str:
    """A large number in three digits or so: `442 k`, `1.5 B`."""
    for size, unit in _LARGE:
        if value >= size:
            scaled = value / size
            return f"{scaled:.0f} {unit}" if scaled >= 100 else f"{scaled:.1f} {unit}"
    return f"{value:.0f}"


def axis(value: float, step: float) -> str:
    """A tick of an axis whose ticks lie `step` apart."""
    if step <= 0 or abs(value) >= 1e5 or (value and abs(value) < 1e-3):
        return f"{value:.2g}"
    digits = 0
    while digits < 4 and abs(round(step, digits) - step) > step * 1e-6:
        digits += 1
    return f"{value:,.{digits}f}"


def duration(seconds: float) -> str:
    """`48 s`, `14 m 20 s`, `2 h 05 m`, `3 d 04 h`."""
    whole = int(max(seconds, 0))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def age(seconds: float) -> str:
    """How long, in one unit, so that a row need not be painted again each second."""
    whole = int(max(seconds, 0))
    for scale, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= scale:
            return f"{whole // scale} {unit}"
    return "< 1 m"


def size(count: int) -> str:
    """Bytes in the unit that leaves one to three digits before the point."""
    for scale, unit in _SIZES:
        if count >= scale:
            return f"{count / scale:.1f} {unit}"
    return f"{count} B"


def share(used: int, total: int) -> str:
    """`18.2 / 24.0 GiB`: both in the unit of the larger."""
    for scale, unit in _SIZES:
        if total >= scale:
            return f"{used / scale:.1f} / {total / scale:.1f} {unit}"
    return f"{used} / {total} B"


def fetched(done: int, total: int, rate: float) -> str:
    """How far a download is: `1.2 / 3.1 GiB   45.0 MiB/s   left 43 s`."""
    parts = [share(done, total)]
    if rate > 0 and done < total:
        parts += [f"{size(int(rate))}/s", f"left {duration((total - done) / rate)}"]
    return "   ".join(parts)


def percent(part: float) -> str:
    """A share of 1 as `91 %`."""
    return f"{part * 100:.0f} %"


def came_from(lineage: Sequence[str], arrow: str = "←") -> str:
    """The runs that a run comes from, the nearest first: `from run 3 ← 1`; empty where there are none."""
    if not lineage:
        return ""
    shown = [one_line(run, 12) for run in lineage[:_ANCESTORS]]
    rest = len(lineage) - len(shown)
    return f"from run {f' {arrow} '.join(shown)}" + (f" {arrow} {rest} more" if rest else "")
