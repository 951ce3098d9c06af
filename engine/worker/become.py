"""Turns a waiting worker into the process that a job wants."""

from __future__ import annotations

import os
from pathlib import Path

from engine.messages import JobContext


def become(context: JobContext, console: Path) -> None:
    """Take the job's directory, umask and variables; the streams go to `console`."""
    file = os.open(console, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    os.environ.update(context.env)
    os.umask(context.umask)
    os.chdir(context.cwd)
