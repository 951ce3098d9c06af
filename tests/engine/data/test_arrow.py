"""Arrow files, as `save_to_disk` and the caches of `datasets` leave them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.read.index import RowIndex
from engine.data.read.rows import read_rows
from engine.data.refusal import Refusal

ROWS: list[dict[str, Any]] = [
    {"Prompt": f"é {i}", "completion": None if i == 3 else "b", "tags": [i], "n": {"x": i / 2}}
    for i in range(700)
]


def save(path: Path, *, stream: bool = True, batch: int = 300) -> Path:
    table = pa.Table.from_pylist(ROWS)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=batch)
    return path


@pytest.mark.parametrize("stream", [True, False])
def test_rows_are_read_with_their_numbers(tmp_path: Path, stream: bool) -> None:
    rows = list(read_rows(save(tmp_path / "rows.arrow", stream=stream)))
    assert [row.line for row in rows] == list(range(1, 701))
    assert rows[3].values == {"prompt": "é 3", "completion": None, "tags": [3], "n": {"x": 1.5}}


def test_any_row_is_found_again(tmp_path: Path) -> None:
    index = RowIndex(save(tmp_path / "rows.arrow"))
    assert sum(1 for _ in index.read()) == 700
    for first in (0, 299, 300, 699):
        assert [row.line for row in index.rows(first, 2)] == [first + 1, first + 2][: 700 - first]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return save(tmp_path_factory.mktemp("arrow") / "rows.arrow").read_bytes()


@given(cut=st.integers(0, 4000), at=st.integers(0, 4000), byte=st.integers(0, 255))
def test_what_is_damaged_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, cut: int, at: int, byte: int
) -> None:
    data = bytearray(whole[: len(whole) - cut])
    data[at % max(len(data), 1)] = byte
    path = tmp_path_factory.mktemp("damaged") / "rows.arrow"
    path.write_bytes(data)
    with suppress(Refusal):
        assert all(row.line for row in read_rows(path))


def test_another_file_under_the_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.arrow").write_text('{"a": 1}')
    with pytest.raises(Refusal) as caught:
        list(read_rows(tmp_path / "rows.arrow"))
    assert "The Arrow file cannot be read." in caught.value.what
