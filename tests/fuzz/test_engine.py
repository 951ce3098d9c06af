"""Events and messages of any bytes: decoded or passed over, folded, and survived by a real engine."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine import bus, paths
from engine import events as ev
from engine import messages as m
from engine.run_state import RunState, fold
from openlora_tui.cli.session import Session
from tests.engine import strategies as some
from tests.engine.test_messages import TO_ENGINE
from tests.fuzz.mutated import mutated

EVENT = some.EVENT.map(lambda event: ev.encode(event).rstrip(b"\n"))
LINES = st.lists(mutated(EVENT) | EVENT | st.binary(max_size=20), max_size=8)


@given(LINES)
def test_any_lines_fold_to_a_state_that_can_be_sent(lines: list[bytes]) -> None:
    state = fold(lines)
    assert state.events == len(lines)
    snapshot = m.Snapshot(run="1", state=state)
    assert m.to_front(m.encode(snapshot)) == snapshot
    assert msgspec.json.decode(msgspec.json.encode(state), type=RunState) == state


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENLORA_HOME", str(tmp_path_factory.mktemp("fuzzed")))
        home = paths.home()
        yield home
        pid = bus.engine_pid(home)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


HONEST = [m.encode(message) for message in TO_ENGINE if not isinstance(message, m.Leave | m.Submit | m.Begin)]


@pytest.fixture(scope="module")
def session(root: Path) -> Iterator[Session]:
    with Session(root) as session:
        yield session


@settings(
    max_examples=30 if settings().max_examples <= 100 else 1500,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batch=st.lists(mutated(st.sampled_from(HONEST)) | st.binary(max_size=40), min_size=1, max_size=6))
def test_an_engine_answers_the_next_honest_request(batch: list[bytes], root: Path, session: Session) -> None:
    batch = [data for data in batch if not isinstance(m.to_engine(data), m.Leave)]
    pid = bus.engine_pid(root)
    send(root, batch)
    assert session.rows(5) == []
    assert bus.engine_pid(root) == pid


def send(root: Path, batch: list[bytes]) -> None:
    """Put bytes into the engine's own mailbox, as a front end does with its messages."""
    bus.connect(root).exchange("front-noise", batch)
