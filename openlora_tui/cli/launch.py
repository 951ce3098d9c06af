"""`openlora launch`: writes a job file for Slurm or SkyPilot that trains a recipe, requeues and goes on."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

from engine import atomic, paths
from engine.leases.asked import Asked, asked
from engine.problem import Problem
from engine.recipe import RecipeFile, override, read
from engine.recipe.edit import written
from openlora_tui.cli.options import add_field_options, given_fields

HELP: Final = "write a job file for Slurm or SkyPilot"
_CARDS: Final = ("L4", "A10G", "L40S", "A100", "A100-80GB", "H100")
_TIME: Final = re.compile(r"(\d+-)?\d{1,3}(:\d{2}){0,2}")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Its words."""
    parser.add_argument("recipe", type=Path, help="a recipe")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--slurm", action="store_true", help="a file for sbatch")
    kind.add_argument("--skypilot", action="store_true", help="a file for sky launch and sky jobs launch")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to [standard output]")
    parser.add_argument("--nnodes", type=int, default=1, metavar="N", help="machines [1]")
    parser.add_argument("--time", default="24:00:00", metavar="D-HH:MM:SS", help="Slurm's limit [24:00:00]")
    parser.add_argument("--partition", metavar="NAME", help="Slurm's partition")
    parser.add_argument("--account", metavar="NAME", help="Slurm's account")
    parser.add_argument("--accelerators", metavar="TYPE", help="SkyPilot's type of GPU, such as A100-80GB")
    parser.add_argument("--set", action="append", metavar="NAME=VALUE", help="change a recipe field")
    add_field_options(parser)


def run(args: argparse.Namespace) -> int:
    """Write the file."""
    given = given_fields(args)
    recipe = override(read(args.recipe), given)
    wanted = asked(recipe.recipe.devices)
    _prove(args, wanted)
    text = (_slurm if args.slurm else _skypilot)(args, recipe, wanted, _words(args, given))
    if args.output is None:
        print(text, end="")
        return 0
    atomic.write(args.output, text.encode(), 0o644)
    submit = "sbatch" if args.slurm else "sky jobs launch"
    print(f"{args.output}: submit it by `{submit} {shlex.quote(str(args.output))}`", file=sys.stderr)
    return 0


def _prove(args: argparse.Namespace, wanted: Asked) -> None:
    if args.nnodes < 1:
        raise Problem("A job has one machine or more.", where="--nnodes", do="Write 1, or more.")
    if wanted.names:
        do = "Set devices to a number: the scheduler chooses which."
        raise Problem("A scheduler gives GPUs by number, not by name.", where="devices", do=do)
    if args.skypilot and args.nnodes > 1:
        raise Problem(
            "SkyPilot's machines share no folder, which several machines of a run need.",
            where="--nnodes",
            do="Take one machine with several GPUs: --devices 8.",
        )
    for name in ("time", "partition", "account", "accelerators"):
        value = getattr(args, name)
        fits = _TIME if name == "time" else re.compile(r"[0-9A-Za-z][0-9A-Za-z_,.:+-]*")
        if value is not None and not fits.fullmatch(value):
            raise Problem(
                f"{value[:60]!r} cannot be written there.", where=f"--{name}", do="Write it plainly."
            )


def _words(args: argparse.Namespace, given: dict[str, str]) -> list[str]:
    return [word for name, value in given.items() for word in ("--set", f"{name}={value}")]


def _name(recipe: RecipeFile, file: Path) -> str:
    return re.sub(r"[^0-9A-Za-z-]+", "-", recipe.recipe.run_name or file.stem).strip("-")[:40] or "run"


def _slurm(args: argparse.Namespace, recipe: RecipeFile, wanted: Asked, words: list[str]) -> str:
    more = [
        f"#SBATCH --{name}={getattr(args, name)}" for name in ("partition", "account") if getattr(args, name)
    ]
    if not wanted.cpu:
        more.append(f"#SBATCH --gpus-per-node={wanted.count}")
    openlora = shutil.which("openlora") or str(Path(sys.executable).with_name("openlora"))
    command = shlex.join([openlora, "train", str(args.recipe.resolve()), "--foreground", *words])
    return f"""#!/bin/bash
#SBATCH --job-name=openlora-{_name(recipe, args.recipe)}
#SBATCH --nodes={args.nnodes}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={8 * wanted.count}
#SBATCH --time={args.time}
{"".join(line + chr(10) for line in more)}#SBATCH --output=openlora-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
# Three minutes before the limit every machine gets SIGUSR1: the run saves a checkpoint and exits with 75.
#SBATCH --signal=USR1@180

export OPENLORA_HOME={shlex.quote(str(paths.home_path()))}  # a folder that all machines share
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000))

srun --kill-on-bad-exit=1 bash -c 'exec "$@" --node-rank "$SLURM_NODEID"' rank \\
  {command} \\
  --rdzv-id "slurm-$SLURM_JOB_ID" --nnodes "$SLURM_NNODES" --rdzv-endpoint "$first:$port"
status=$?

# 0: done. 1: the run failed, and 2: the recipe is wrong, which another try would not change.
case $status in 0 | 1 | 2) exit $status ;; esac
if [ "${{SLURM_RESTART_COUNT:-0}}" -lt 10 ]; then
  echo "status $status: requeued, to go on from the last checkpoint"
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $status
"""


def _skypilot(args: argparse.Namespace, recipe: RecipeFile, wanted: Asked, words: list[str]) -> str:
    kinds = [args.accelerators] if args.accelerators else list(_CARDS)
    cards = ", ".join(f"{written(kind)}: {wanted.count}" for kind in kinds)
    resources = "  cpus: 8+" if wanted.cpu else f"  accelerators: {{{cards}}}"
    folder = args.recipe.resolve().parent
    command = shlex.join(["openlora", "train", args.recipe.name, "--foreground", *words])
    name = _name(recipe, args.recipe).lower()
    return f"""# `sky launch` runs it once; `sky jobs launch` goes on where a spot machine was taken away.
name: openlora-{name}

resources:
{resources}

# The recipe's folder goes along: the data has to lie in it, by paths that are relative to the recipe.
workdir: {written(os.fspath(folder))}

# Runs and checkpoints, which outlive the machine; the name is that of a bucket of yours.
file_mounts:
  /openlora:
    name: openlora-{name}
    mode: MOUNT_CACHED

setup: |
  pip install 'openlora-tui[train]'

run: |
  export OPENLORA_HOME=$HOME/openlora
  mkdir -p "$OPENLORA_HOME"; chmod 700 "$OPENLORA_HOME"
  cp -r /openlora/. "$OPENLORA_HOME"/ 2>/dev/null || true
  (while sleep 60; do cp -ru "$OPENLORA_HOME"/. /openlora/; done) &
  {command} --rdzv-id "$SKYPILOT_TASK_ID"
  status=$?
  kill %1; cp -ru "$OPENLORA_HOME"/. /openlora/
  exit $status
"""
