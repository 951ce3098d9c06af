"""Job files: what they ask of the scheduler, and what their script does under one that the test plays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from engine.event_log import EventReader
from engine.recipe import template
from engine.run_dir import RunDir
from engine.run_state import fold
from openlora_tui.cli.main import main

_SRUN = """#!/bin/bash
# Runs the step on two machines that are both this one.
shift
for node in 0 1; do SLURM_NODEID=$node "$@" & pids="$pids $!"; done
status=0
for pid in $pids; do wait $pid || status=$?; done
exit $status
"""
_SCONTROL = """#!/bin/bash
if [ "$1" = show ]; then echo 127.0.0.1; else echo "$@" >> "$REQUEUED"; fi
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "my recipe.yaml"
    path.write_text(template({"model": "some/model", "data": "rows.jsonl", "run_name": "A 'run'"}))
    return path


@pytest.fixture
def cluster(tmp_path: Path, home: Path) -> dict[str, str]:
    """Slurm's commands and variables for a job on two machines."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in (("srun", _SRUN), ("scontrol", _SCONTROL)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    told = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_NNODES": "2",
            "REQUEUED": str(tmp_path / "requeued"), "OPENLORA_HOME": str(home), "OMP_NUM_THREADS": "1",
            "PATH": f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"}  # fmt: skip
    return os.environ | told


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Llama of a few thousand parameters."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    subprocess.run(
        [sys.executable, "-m", "tests.engine.process.tiny_model", str(folder)], check=True, timeout=300
    )
    return folder


def _sbatch(script: Path, cluster: dict[str, str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(script)], env=cluster | more, capture_output=True, text=True, timeout=200
    )


def test_a_slurm_job_asks_for_its_gpus_a_signal_and_to_be_requeued(
    recipe: Path, tmp_path: Path, home: Path
) -> None:
    job = tmp_path / "job.sh"
    words = ["--devices", "4", "--nnodes", "2", "--partition", "gpu", "--time", "2-00:00:00"]
    assert main(["launch", str(recipe), "--slurm", "-o", str(job), *words]) == 0
    subprocess.run(["bash", "-n", str(job)], check=True, timeout=30)
    asks = {line.split(" ", 1)[1] for line in job.read_text().splitlines() if line.startswith("#SBATCH")}
    assert asks >= {
        "--nodes=2", "--ntasks-per-node=1", "--gpus-per-node=4", "--partition=gpu", "--time=2-00:00:00",
        "--requeue", "--signal=USR1@180", "--job-name=openlora-A-run", "--open-mode=append",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "requeued"), [(0, False), (1, False), (2, False), (75, True), (137, True)]
)
def test_a_job_that_was_cut_off_is_requeued_and_one_that_failed_is_not(
    status: int, requeued: bool, recipe: Path, tmp_path: Path, cluster: dict[str, str]
) -> None:
    job, said = tmp_path / "job.sh", tmp_path / "said"
    stub = tmp_path / "slurm" / "openlora"
    stub.write_text(f'#!/bin/bash\nprintf "%s\\n" "$@" > "{said}-$SLURM_NODEID"\nexit {status}\n')
    stub.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", cluster["PATH"])
        assert main(["launch", str(recipe), "--slurm", "-o", str(job), "--set", "seed=7"]) == 0
    done = _sbatch(job, cluster)
    assert done.returncode == status, done.stderr
    job_id = cluster["SLURM_JOB_ID"]
    words = Path(f"{said}-1").read_text().splitlines()
    assert words[:3] == ["train", str(recipe), "--foreground"]
    assert words[-2:] == ["--node-rank", "1"]
    assert "seed=7" in words
    assert f"slurm-{job_id}" in words
    assert f"127.0.0.1:{20000 + int(job_id) % 20000}" in words
    asked = Path(cluster["REQUEUED"])
    assert (asked.read_text() if asked.exists() else "") == (f"requeue {job_id}\n" if requeued else "")
    asked.unlink(missing_ok=True)
    _sbatch(job, cluster, SLURM_RESTART_COUNT="10")
    assert not asked.exists()


def test_two_machines_share_a_run_and_the_job_begun_again_finds_it_done(
    tiny_model: Path, tmp_path: Path, home: Path, cluster: dict[str, str]
) -> None:
    (tmp_path / "rows.txt").write_text("\n".join(f"Row {i} says {i}." for i in range(60)))
    path = tmp_path / "r.yaml"
    path.write_text(
        template(
            {"model": str(tiny_model), "data": "rows.txt", "max_length": 32, "max_steps": 3, "lora_r": 2,
             "per_device_train_batch_size": 2, "gradient_accumulation_steps": 1, "devices": "cpu",
             "eval_steps": 0, "sample_steps": 0, "save_steps": 2}
        )
    )  # fmt: skip
    job = tmp_path / "job.sh"
    assert main(["launch", str(path), "--slurm", "--nnodes", "2", "-o", str(job)]) == 0
    done = _sbatch(job, cluster)
    assert done.returncode == 0, done.stdout + done.stderr
    run = RunDir(home, "1")
    state = fold(EventReader(run.events))
    assert (state.status, state.step, state.device) == ("succeeded", 3, "2 x cpu")
    assert run.console_of(1).exists()
    again = _sbatch(job, cluster)
    assert again.returncode == 0, again.stderr
    assert "has succeeded already" in again.stderr
    assert not RunDir(home, "2").path.exists()


def test_a_skypilot_job_is_yaml_whose_scripts_are_shell(
    recipe: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["launch", str(recipe), "--skypilot", "--devices", "2", "--accelerators", "A100-80GB"]) == 0
    job = YAML(typ="safe").load(capsys.readouterr().out)
    assert job["resources"] == {"accelerators": {"A100-80GB": 2}}
    assert job["workdir"] == str(recipe.parent)
    assert job["name"] == "openlora-a-run"
    assert "openlora train 'my recipe.yaml' --foreground --set devices=2" in job["run"]
    for script in (job["run"], job["setup"]):
        subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=30)


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (["--slurm", "--devices", "[0, 1]"], "devices"),
        (["--slurm", "--nnodes", "0"], "--nnodes"),
        (["--slurm", "--partition", "a b"], "--partition"),
        (["--slurm", "--time", "soon"], "--time"),
        (["--skypilot", "--nnodes", "2"], "--nnodes"),
    ],
)
def test_what_a_scheduler_cannot_do_is_refused(
    words: list[str], where: str, recipe: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["launch", str(recipe), *words]) == 2
    assert where in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--nnodes", "2"], "--rdzv-id"),
        (["--rdzv-id", "a"], "--foreground"),
        (["--rdzv-id", "a/b", "--foreground"], "no name of a job"),
        (["--rdzv-id", "a", "--foreground", "--nnodes", "2"], "--rdzv-endpoint"),
        (["--rdzv-id", "a", "--foreground", "--nnodes", "2", "--node-rank", "2"], "no node 2 of 2"),
    ],
)
def test_words_of_a_job_that_do_not_go_together_are_refused(
    words: list[str],
    said: str,
    recipe: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("openlora_tui.cli.mending.before", lambda found, **_: (found, [], None))
    monkeypatch.setattr("openlora_tui.cli.train.check_paths", lambda _: None)
    assert main(["train", str(recipe), *words]) == 2
    assert said in capsys.readouterr().err
