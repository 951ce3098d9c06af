"""Runs that stand still, or crawl."""

from __future__ import annotations

from typing import Final

from engine.advisor.rules.said.saying import Saying, lines

SAYINGS: Final = (
    Saying(
        name="stands_still",
        category="hang_or_slow",
        says=lines(
            r"blocked for more than \d+ seconds",
            r"(?:hang(?:s|ing)?|hung|(?<!loss is )(?<!loss )stuck|frozen|freez\w+|deadlock\w*|no "
            r"(?:output|progress|response))\b.{0,80}",
            "DataLoader timed out after",
        ),
        apart="Disabling parallelism",
        sure=0.55,
        title="The run stands still.",
        cause="A worker waits for another: too many processes that tokenise, tokenizers that were "
        "forked, a lock, a slow disk, or cards that cannot reach each other.",
        do="`py-spy dump --pid PID` shows where each process waits; try one process, num_workers 0 "
        "and TOKENIZERS_PARALLELISM=false.",
    ),
    Saying(
        name="forked_tokenizers",
        category="hang_or_slow",
        says="Disabling parallelism to avoid deadlocks",
        sure=0.25,
        severity="note",
        title="Tokenizers were used before processes were forked.",
        cause="They go on with one thread; where they cannot, workers wait for each other for ever.",
        do="Set TOKENIZERS_PARALLELISM=false if the run stands still.",
    ),
    Saying(
        name="kernel_old",
        category="hang_or_slow",
        says=lines(
            "can cause the process to hang",
            r"below the recommended minimum of 5\.5",
            "kernel version.{0,40}below the recommended",
        ),
        sure=0.5,
        severity="warning",
        title="The kernel of this machine is known to let processes hang.",
        cause="accelerate warns of kernels before 5.5.",
        do="If the run stands still, run it on a machine with a newer kernel.",
    ),
    Saying(
        name="slow_path",
        category="hang_or_slow",
        says=lines(
            "fast path is not available",
            "Falling back to (?:torch|the naive|a slow|slow|eager) implementation",
            "suggested max number of worker",
            "using (?:a )?slow (?:image processor|tokenizer)",
            "flash[- ]attn.{0,40}not installed.{0,40}slow",
        ),
        sure=0.45,
        severity="warning",
        title="A slow way is taken because a faster one is missing.",
        cause="A package with kernels for this model (mamba-ssm, causal-conv1d, flash-attn, fla) is "
        "not installed, or more workers than cores were asked for.",
        do="Install what the message names, and as many workers as there are cores.",
    ),
    Saying(
        name="uneven_waits",
        category="hang_or_slow",
        says=lines(
            "Watchdog caught collective operation timeout",
            r"Timeout\(ms\)=\d+",
            "heartbeat (?:timeout|monitor)",
        ),
        sure=0.6,
        title="A process waited for another one for minutes.",
        cause="Work that one rank does alone, or a rank that hangs: which of both, the stack of "
        "each rank decides.",
        do="`py-spy dump` on each rank while it waits.",
    ),
)
