"""What trains: torch and its friends, the cards, 4-bit products, llama.cpp; heavy ones in child processes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any, Final

from engine import packages
from engine.doctor import cards, child
from engine.doctor.check import Check, blocker, good, note, warning

_SECONDS: Final = 25.0
"""For a child process: all its imports take 8 s on two idle cores and three times that on busy ones."""
_ROUNDING: Final = (0.05, 0.2)
"""Relative error of NF4 on normal weights, which is 0.10: less is no 4-bit product, more is a wrong one."""
_SAME: Final = 0.02
"""The product may differ this much from that of its own unpacked weights: fp16 kernels round."""
_MOMENTS: Final = 0.05
"""Three steps of AdamW with 8-bit moments end this near to those of AdamW; on a CPU it is 0.006."""
Facts = dict[str, Any]


def look() -> Iterator[Check]:
    """Two children work side by side: one may crash without the other."""
    missing = packages.missing_for_training()
    there = [name for name in packages.TRAIN if name not in missing]
    with ThreadPoolExecutor(2, "doctor") as pool:
        training = pool.submit(child.ask, "engine.doctor.probes.training", *there, seconds=_SECONDS)
        llama = None
        if find_spec("llama_cpp"):
            llama = pool.submit(child.ask, "engine.doctor.probes.llama", seconds=_SECONDS)
        if missing:
            yield blocker("packages", f"not installed: {', '.join(missing)}", packages.INSTALL)
        yield from training_checks(there, training.result())
        yield llama_check(llama.result() if llama else None)


def training_checks(there: list[str], answer: child.Answer) -> Iterator[Check]:
    """What each step of the probe has said; the step that it did not come back from is named once."""
    facts = {str(line["step"]): line for line in answer.said if "step" in line}
    steps = [*there, *(["cards"] if "torch" in there else [])]
    if "torch" in there and find_spec("bitsandbytes"):
        steps.append("4-bit")
    ended_at = next((step for step in steps if step not in facts), None)
    for name in there:
        if name in facts:
            yield torch_check(facts[name]) if name == "torch" else library_check(name, facts[name])
    yield from cards.look({**facts["torch"], **facts["cards"]} if _well(facts, "torch", "cards") else None)
    if "4-bit" in facts:
        yield four_bit_check(facts["4-bit"])
    elif "4-bit" not in steps:
        yield four_bit_check(None)
    if ended_at is not None:
        yield ended_check(ended_at, steps[steps.index(ended_at) + 1 :], answer.trouble)


def _well(facts: dict[str, Facts], *steps: str) -> bool:
    return all(step in facts and "version" in facts["torch"] for step in steps)


def ended_check(step: str, after: list[str], why: str) -> Check:
    """The step that the probe did not come back from."""
    version = packages.version_of(step)
    unknown = f"; not reached: {', '.join(after)}" if after else ""
    found = f"{version}: {why}{unknown}".removeprefix(": ")
    if why.startswith("no answer"):
        do = "The machine is busy, its disk slow, or a driver hangs: try once more when it is quiet."
        return warning(step, found, do)
    if step in packages.TRAIN:
        return blocker(step, found, f"pip install --force-reinstall {step}")
    return warning(step, found, "`nvidia-smi` shows the driver; pip install -U bitsandbytes, if 4-bit fails.")


def torch_check(facts: Facts) -> Check:
    """Its version and build."""
    if facts["trouble"]:
        return _not_imported("torch", facts["trouble"])
    version = str(facts["version"])
    if facts["hip"]:
        do = "Runs use the CPU unless torch is installed for CUDA."
        return note("torch", f"{version}, built for ROCm {facts['hip']}: not tried", do)
    found = f"{version}, built for {'CUDA ' + str(facts['cuda']) if facts['cuda'] else 'the CPU'}"
    if not packages.supported("torch", version):
        do = f"Supported: {packages.range_of('torch')}."
        return warning("torch", f"{found}: not a supported version", do)
    return good("torch", found)


def library_check(name: str, facts: Facts) -> Check:
    """Its version, and whether it can be imported."""
    if facts["trouble"]:
        return _not_imported(name, facts["trouble"])
    version = packages.version_of(name)
    if not packages.supported(name, version):
        do = f"pip install -U {name}: {packages.range_of(name)}."
        return warning(name, f"{version}: not a supported version", do)
    return good(name, version)


def _not_imported(name: str, why: str) -> Check:
    found = f"{packages.version_of(name)} cannot be imported: {why}"
    return blocker(name, found, f"pip install --force-reinstall {name}")


def four_bit_check(facts: Facts | None) -> Check:
    """A product in 4 bits, judged by the error that NF4 has, its gradient, and steps with 8-bit moments."""
    if facts is None:
        do = "load_in_4bit, load_in_8bit and 8-bit optimizers need it: pip install bitsandbytes"
        return note("4-bit", "bitsandbytes is not installed", do)
    version = f"bitsandbytes {packages.version_of('bitsandbytes')}"
    if facts["trouble"]:
        return warning("4-bit", f"{version}: no product, {facts['trouble']}", "pip install -U bitsandbytes")
    rounding, product = facts["rounding"], facts["product"]
    where = "the CPU" if facts["device"] == "cpu" else "the GPU"
    found = f"{version}: a 4-bit product on {where} is off by {rounding:.1%}"
    # Written so that NaN is no pass.
    if not (_ROUNDING[0] < rounding < _ROUNDING[1] and product < _SAME):
        return warning("4-bit", f"{found}, where 10% are due: it multiplies wrongly",
                       "pip install -U bitsandbytes; until then load no model in 4 bits.")  # fmt: skip
    if not (facts["gradient"] < _SAME and facts["moments"] < _MOMENTS):
        what = "gradient through it" if not facts["gradient"] < _SAME else "step with 8-bit moments"
        return warning("4-bit", f"{found}, as NF4 is, but the {what} is wrong",
                       "pip install -U bitsandbytes; until then load no model in 4 bits.")  # fmt: skip
    return good("4-bit", f"{found}, as NF4 is; gradient and 8-bit optimizer are right")


def llama_check(answer: child.Answer | None) -> Check:
    """The package that the advisor's language model needs."""
    if answer is None:
        do = "For the advisor's model: pip install 'openlora-tui[advisor]' (compiles for minutes)"
        return note("llama.cpp", "llama-cpp-python is not installed", do)
    if not answer.said:
        version = packages.version_of("llama-cpp-python")
        do = "pip install --force-reinstall --no-binary llama-cpp-python llama-cpp-python"
        return warning("llama.cpp", f"llama-cpp-python {version} cannot be loaded: {answer.trouble}", do)
    facts = answer.said[-1]
    built = "for a GPU" if facts["gpu"] else "for the CPU"
    return good("llama.cpp", f"llama-cpp-python {facts['version']}, built {built}")
