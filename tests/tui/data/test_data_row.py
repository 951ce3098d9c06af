"""One row on the whole screen: tokens, special tokens, and the prompt beside that of a chat."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openlora_tui.modals.row_view import RowView
from tests.tui.conftest import settle
from tests.tui.data.conftest import TEMPLATE
from tests.tui.data.driving import compare, until, whole
from tests.tui.screen_picture import shown

THINKING = TEMPLATE.replace("assistant\n{% endif %}", "assistant\nthink:{% endif %}")


async def read_row(pilot: Any) -> None:
    await pilot.press("enter")
    await until(pilot, lambda _: isinstance(pilot.app.screen, RowView) and pilot.app.screen._painted)


def thinking(model: Path) -> None:
    """A template that begins a new answer with a word that finished answers do not have."""
    config = model / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"chat_template": THINKING}))


async def test_tokens_are_parted_and_numbered_at_a_key(looking: Any) -> None:
    async with looking() as pilot:
        await read_row(pilot)
        assert "O·n· ·i·t·s·" not in shown(pilot.app)
        await pilot.press("t")
        await settle(pilot)
        assert "O·n· ·i·t·s·" in shown(pilot.app)
        await pilot.press("t")
        await settle(pilot)
        assert "‹|im_end| EOS 2›" in shown(pilot.app)
        await pilot.press("t")
        await settle(pilot)
        assert "On its way" in shown(pilot.app)


async def test_the_prompt_of_a_chat_is_the_same_or_every_difference_is_told(
    looking: Any, model: Path
) -> None:
    async with looking() as pilot:
        await read_row(pilot)
        assert "chat asks the same" in shown(pilot.app)
    thinking(model)
    async with looking() as pilot:
        await read_row(pilot)
        assert "chat differs in 1" in shown(pilot.app)
        await pilot.press("c")
        await settle(pilot)
        text = shown(pilot.app)
        assert "Only in the chat: “think:”" in text
        assert "[think:]" in text
        assert "in training" in text
        assert "in a chat" in text
        await pilot.press("j")
        await until(pilot, lambda _: "row 2 of 300" in shown(pilot.app) and "Ticket 1" in shown(pilot.app))


async def test_what_is_trained_stands_in_lines_of_its_own(looking: Any, data: Path) -> None:
    data.write_text(json.dumps({"prompt": "Say it: ", "completion": "yes"}) + "\n")
    async with looking() as pilot:
        await read_row(pilot)
        lines = [line.strip("│ ").rstrip() for line in shown(pilot.app).splitlines()]
        assert "Say it:" in lines
        assert any("│ yes‹|im_end| EOS›" in line for line in shown(pilot.app).splitlines())


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_the_mask_view_as_it_was_found_good(
    size: tuple[int, int], looking: Any, model: Path, tmp_path: Path
) -> None:
    thinking(model)
    name = f"{size[0]}x{size[1]}"
    async with looking(*size) as pilot:
        for _ in range(7):
            await pilot.press("minus")
        await pilot.press(*"jjjjjjjjjjjjjjjjjjjj")
        await until(pilot, whole)
        await read_row(pilot)
        compare(pilot.app, f"data-mask-{name}", tmp_path)
        await pilot.press("t", "t")
        await settle(pilot)
        compare(pilot.app, f"data-mask-tokens-{name}", tmp_path)
        await pilot.press("t", "c")
        await settle(pilot)
        compare(pilot.app, f"data-mask-chat-{name}", tmp_path)


async def test_the_mask_view_without_colours_and_in_ascii(looking: Any, model: Path, tmp_path: Path) -> None:
    thinking(model)
    async with looking(ascii_only=True, colours="none") as pilot:
        await read_row(pilot)
        await pilot.press("c")
        await settle(pilot)
        text = compare(pilot.app, "data-mask-chat-ascii-80x24", tmp_path)
        assert text.isascii()
        assert "{think:}" in text
