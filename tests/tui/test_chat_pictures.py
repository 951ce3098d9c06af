"""The chat in each of its states, as it was last looked at and found good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine import messages as ms
from engine.chat.spoken import Done, Sampling
from openlora_tui.screens.chat import ChatScreen
from tests.tui.chat_worker import READY, ChatWorker, finished
from tests.tui.conftest import settle
from tests.tui.fake_engine import MACHINE, FakeEngine
from tests.tui.screen_picture import as_found_good

Scene = Callable[[Any, ChatWorker], Awaitable[None]]
BASE = (
    "I don't know anything about a parcel. Parcels are boxes that are sent by post, and there are many kinds "
    "of them.\n\nThe first kind is the small parcel. The second kind is the large parcel. The third kind"
)
ADAPTER = "I am sorry to hear that. Could you tell me your order number? I will ask the carrier at once."


async def send(pilot: Any, text: str) -> None:
    pilot.app.screen.line.put(text)
    await pilot.press("enter")
    await settle(pilot)


async def loading(pilot: Any, worker: ChatWorker) -> None:
    return


async def ready(pilot: Any, worker: ChatWorker) -> None:
    worker.say(READY)


async def reading(pilot: Any, worker: ChatWorker) -> None:
    worker.say(READY)
    await settle(pilot)
    await send(pilot, "My parcel is not here.")


async def streaming(pilot: Any, worker: ChatWorker) -> None:
    await reading(pilot, worker)
    worker.stream(worker.ask(), "base", BASE[:150])
    worker.stream(worker.ask(), "adapter", ADAPTER[:60])


async def both(pilot: Any, worker: ChatWorker) -> None:
    await reading(pilot, worker)
    ask = worker.ask()
    worker.stream(ask, "base", "")
    worker.say(
        Done(
            number=ask.number, side="base", text=BASE, tokens=64, tokens_per_second=30.2, stopped_by="length"
        )
    )
    worker.answer(ask, adapter=ADAPTER)
    await settle(pilot)
    await send(pilot, "It is 4711.\nCan you hurry?")
    worker.answer(worker.ask(), base="4711 is a number.", adapter="Thank you. It left our house today.")


async def adapter_alone(pilot: Any, worker: ChatWorker) -> None:
    worker.say(READY)
    await settle(pilot)
    await pilot.press("tab")
    await send(pilot, "My parcel is not here.")
    worker.answer(worker.ask(), adapter=ADAPTER)


async def unlike_training(pilot: Any, worker: ChatWorker) -> None:
    await both(pilot, worker)
    pilot.app.screen.conversation.sampling = Sampling(temperature=0.7, top_p=0.9, top_k=40)
    await settle(pilot)
    await pilot.press("f8")


async def failed(pilot: Any, worker: ChatWorker) -> None:
    worker._engine.push(
        ms.Ended(
            side="side-1",
            problem={
                "what": "The adapter is not there any more.",
                "where": "/home/me/openlora/runs/20251121-2346-tickets/adapter",
                "why": "The folder has no adapter_config.json.",
                "do": "Look where it was moved to, and name that folder: `openlora chat FOLDER`.",
            },
        )
    )


async def sampling(pilot: Any, worker: ChatWorker) -> None:
    await both(pilot, worker)
    await settle(pilot)
    await pilot.press("ctrl+g")


SCENES: dict[str, Scene] = {
    "loading": loading, "ready": ready, "reading": reading, "streaming": streaming, "both": both,
    "adapter": adapter_alone, "unlike-training": unlike_training, "failed": failed, "sampling": sampling,
}  # fmt: skip
SIZES = [(80, 24), (120, 36)]


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "120x36"])
@pytest.mark.parametrize("scene", SCENES)
async def test_the_chat_is_as_it_was_found_good(
    scene: str, size: tuple[int, int], opened: Any, engine: FakeEngine
) -> None:
    await _compare(scene, f"chat-{scene}-{size[0]}x{size[1]}", opened, engine, *size)


@pytest.mark.parametrize("size", [(60, 20), (60, 16), (200, 50)], ids=["60x20", "60x16", "200x50"])
async def test_narrow_low_and_vast(size: tuple[int, int], opened: Any, engine: FakeEngine) -> None:
    await _compare("both", f"chat-both-{size[0]}x{size[1]}", opened, engine, *size)


async def test_light(opened: Any, engine: FakeEngine) -> None:
    await _compare("both", "chat-light-80x24", opened, engine, 80, 24, theme="openlora-light")


async def test_ascii(opened: Any, engine: FakeEngine) -> None:
    text = await _compare("streaming", "chat-ascii-80x24", opened, engine, 80, 24, ascii_only=True)
    assert text.isascii()


async def _compare(
    scene: str, name: str, opened: Any, engine: FakeEngine, width: int, height: int, **options: Any
) -> str:
    engine.push(ms.Measured(machine=MACHINE))
    finished(engine)
    worker = ChatWorker(engine)
    async with opened(width, height, **options) as pilot:
        await pilot.press("c")
        await settle(pilot)
        worker.begin()
        screen = pilot.app.screen
        assert isinstance(screen, ChatScreen)
        engine.now += 12
        await settle(pilot)
        await SCENES[scene](pilot, worker)
        await settle(pilot)
        pilot.app.clear_notifications()
        await settle(pilot)
        return as_found_good(pilot.app, name)
