"""Packed files give the rows of what is in them, in bounded memory; a torn or a monstrous one is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.inspect import Inspection
from engine.data.read.index import RowIndex
from engine.data.read.packing import MOST_TIMES
from engine.data.read.rows import read_rows
from engine.data.refusal import Refusal

ANY_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20
)
PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.compress}
ROWS = [{"prompt": f"p{i}", "completion": "é" * (i % 70)} for i in range(500)]
KINDS = {
    ".jsonl": "".join(json.dumps(row) + "\n" for row in ROWS),
    ".json": json.dumps(ROWS, ensure_ascii=False),
    ".csv": "prompt,completion\n" + "".join(f"{row['prompt']},{row['completion']}\n" for row in ROWS),
}


def read(path: Path, content: bytes) -> list[dict[str, Any]]:
    path.write_bytes(content)
    return [row.values for row in read_rows(path)]


@pytest.mark.parametrize("packed", PACK)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_may_be_packed(tmp_path: Path, kind: str, packed: str) -> None:
    content = PACK[packed](KINDS[kind].encode())
    assert read(tmp_path / f"rows{kind}{packed}", content) == ROWS
    assert read(tmp_path / f"rows{kind}", content) == ROWS, "told by its first bytes"
    assert read(tmp_path / f"plain{kind}{packed}", KINDS[kind].encode()) == ROWS, "and so is one that is not"


@pytest.mark.parametrize("packed", PACK)
def test_the_parts_of_a_joined_file_are_all_read(tmp_path: Path, packed: str) -> None:
    text = KINDS[".jsonl"].encode()
    content = PACK[packed](text[:9000]) + PACK[packed](b"") + PACK[packed](text[9000:])
    assert read(tmp_path / f"rows.jsonl{packed}", content) == ROWS


@pytest.mark.parametrize("packed", PACK)
def test_any_row_of_a_packed_file_is_at_hand(tmp_path: Path, packed: str) -> None:
    path = tmp_path / f"rows.jsonl{packed}"
    path.write_bytes(PACK[packed](KINDS[".jsonl"].encode()))
    index = RowIndex(path)
    rows, shares = [], []
    for row in index.read():
        rows.append(row)
        shares.append(index.share)
        assert index.rows(len(rows) // 2 - 1) == rows[len(rows) // 2 - 1 : len(rows) // 2][: len(rows) // 2]
    assert shares == sorted(shares)
    assert index.share == 1
    path.unlink()
    for number in (0, 31, 32, 499):
        assert index.rows(number, 3) == rows[number : number + 3], "from the copy, for the file is gone"


def test_without_room_for_a_copy_rows_are_read_from_the_top(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.data.read.index._COPY_BYTES", 2000)
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(KINDS[".jsonl"].encode()))
    index = RowIndex(path)
    rows = list(index.read())
    assert index.rows(450, 3) == rows[450:453]


@ANY_FILE
@given(cut=st.integers(1, 2000), packed=st.sampled_from(list(PACK)))
def test_a_torn_file_gives_the_rows_before_and_says_so(tmp_path: Path, cut: int, packed: str) -> None:
    content = PACK[packed](KINDS[".jsonl"].encode())
    path = tmp_path / f"rows.jsonl{packed}"
    path.write_bytes(content[: -min(cut, len(content) - 20)])
    found: list[dict[str, Any]] = []
    with pytest.raises(Refusal, match="damaged, or breaks off"):
        found.extend(row.values for row in read_rows(path))
    assert found == ROWS[: len(found)]


def test_an_inspection_reports_what_a_torn_file_held(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(KINDS[".jsonl"].encode() * 4)[:-2000])
    inspection = Inspection([path], None)
    list(inspection.steps())
    report = inspection.report()
    assert report.rows > 100
    assert not report.done
    assert "breaks off" in report.findings(64)[0].title


@ANY_FILE
@given(content=st.binary(max_size=300), packed=st.sampled_from(list(PACK)), at=st.integers(0, 300))
def test_no_damage_crashes_a_reader(tmp_path: Path, content: bytes, packed: str, at: int) -> None:
    whole = bytearray(PACK[packed](KINDS[".jsonl"].encode()))
    whole[at : at + len(content)] = content
    path = tmp_path / f"rows.jsonl{packed}"
    path.write_bytes(whole)
    bad: list[Refusal] = []
    try:
        rows = list(read_rows(path, bad=bad.append))
    except Refusal as refusal:
        bad.append(refusal)
        rows = []
    assert rows or bad or not content


def test_what_grows_beyond_all_measure_is_refused_early(tmp_path: Path) -> None:
    rows = (b'{"a": 1}' + b" " * 65_000 + b"\n") * 2000
    path = tmp_path / "bomb.jsonl.zst"
    path.write_bytes(zstandard.compress(rows))
    assert len(rows) > MOST_TIMES * path.stat().st_size
    found = read_rows(path)
    assert sum(1 for _ in islice(found, 1000)) == 1000
    with pytest.raises(Refusal, match="beyond all measure"):
        list(islice(found, 1000))
