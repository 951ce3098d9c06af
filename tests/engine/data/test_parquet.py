"""Parquet files give their rows a batch at a time, from any row on; what is none is refused in words."""

from __future__ import annotations

import datetime
import decimal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.data.inspect import Inspection
from engine.data.read.index import RowIndex
from engine.data.read.rows import read_rows
from engine.data.refusal import Refusal

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
ROWS = [
    {"Prompt": f"p{i}", "turns": [{"role": "user", "content": "é" * (i % 9)}], "n": i} for i in range(3000)
]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=700)
    return path


def test_rows_and_any_row(table: Path) -> None:
    index = RowIndex(table)
    rows = list(index.read())
    assert [row.values for row in rows] == [
        {"prompt": r["Prompt"], "turns": r["turns"], "n": r["n"]} for r in ROWS
    ]
    assert (rows[0].where, rows[-1].where) == (f"{table}:1", f"{table}:3000")
    assert index.share == 1
    for at in (0, 699, 700, 701, 1500, 2998):
        assert index.rows(at, 2) == rows[at : at + 2]
        assert list(read_rows(table, rows[at].start)) == rows[at:]
    inspection = Inspection([table], None)
    shares = list(inspection.steps())
    assert shares == sorted(shares)
    assert inspection.report().rows == 3000


def test_values_are_as_json_has_them(tmp_path: Path) -> None:
    row = {
        "day": datetime.date(2024, 2, 29),
        "at": datetime.datetime(2024, 2, 29, 12, 30),
        "price": decimal.Decimal("1.50"),
        "text": b"caf\xc3\xa9",
        "picture": b"\x89PNG\xff",
        "many": {"a": [1, None]},
    }
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist([row]), path)
    [found] = read_rows(path)
    assert found.values == {
        "day": "2024-02-29", "at": "2024-02-29T12:30:00", "price": "1.50", "text": "café", "picture": None,
        "many": {"a": [1, None]},
    }  # fmt: skip


def test_what_is_no_parquet_is_refused(tmp_path: Path, table: Path) -> None:
    whole = table.read_bytes()
    for content in (whole[:-9], whole[: len(whole) // 2], b"PAR1", b"", b"text\n", whole[:200] + whole[260:]):
        path = tmp_path / "a.parquet"
        path.write_bytes(content)
        with pytest.raises(Refusal) as caught:
            list(read_rows(path))
        assert caught.value.where == str(path)
        assert caught.value.do


def test_without_pyarrow_one_message_says_what_to_install(table: Path) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from openlora_tui.cli.main import main\n"
        f"sys.exit(main(['inspect', {str(table)!r}]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert "pip install 'openlora-tui[train]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_pyarrow_is_imported_by_a_parquet_file_only(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n')
    code = (
        "import sys; from pathlib import Path; from engine.data.read.rows import read_rows\n"
        "list(read_rows(Path('a.jsonl')))\n"
        "print({'pyarrow', 'numpy', 'charset_normalizer', 'zstandard'} & set(sys.modules))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    assert said.stdout.strip() == "set()"
