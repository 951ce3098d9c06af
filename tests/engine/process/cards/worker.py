"""A worker without torch: takes the run and its cards as any worker does, and works until it is killed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from engine import events as ev
from engine.event_log import EventWriter
from engine.leases.locks import hold_shown
from engine.run_dir import RunDir

folder, device = Path(sys.argv[4]), sys.argv[6]
run = RunDir(folder.parent.parent, folder.name)
with run.working():
    hold_shown(device)
    record = run.write_worker(device)
    events = EventWriter(run.events)
    events.write(ev.Started(pid=record.pid, host=record.host, device=device))
    events.write(ev.Log(text=os.environ["CUDA_VISIBLE_DEVICES"]))
    time.sleep(600)
