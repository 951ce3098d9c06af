"""A llama.cpp process: takes lines on stdin, and ends with its parent, whose end closes that pipe."""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from typing import BinaryIO, Final

from engine.llama import words

_NICE: Final = 19


def main() -> int:
    """Load what the first line names, then answer; the exit status is 1 where it cannot be loaded."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what native code prints must not come between our lines
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    first = sys.stdin.buffer.readline()
    if not first:
        return 0
    load = words.to_process(first)
    assert isinstance(load, words.Load)
    heard: queue.SimpleQueue[words.ToProcess] = queue.SimpleQueue()
    # Beside the work, so that the end of the parent ends even a call of native code that does not return.
    threading.Thread(target=_listen, args=(sys.stdin.buffer, heard), daemon=True).start()
    from engine.llama.model import serve

    return serve(load, heard, lambda said: _say(out, said))


def _listen(lines: BinaryIO, heard: queue.SimpleQueue[words.ToProcess]) -> None:
    for line in lines:
        heard.put(words.to_process(line))
    os._exit(0)


def _say(out: BinaryIO, said: words.ToParent) -> None:
    try:
        out.write(words.encode(said))
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)  # native destructors may hang or crash when all is said
