"""Turns a waiting worker into the process that a job wants."""

from __future__ import annotations

import os
from pathlib import Path

from engine.client.context import environment
from engine.messages import JobContext


def become(context: JobContext, console: Path) -> None:
    """Take the job's directory, umask and variables; the streams go to `console`."""
    file = os.open(console, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    wanted = environment(os.environ, context)
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)
    os.umask(context.umask)
    os.chdir(context.cwd)
