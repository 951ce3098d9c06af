"""Tables as people and spreadsheets write them: read to the last field, or refused record by record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.data.read.rows import rows_of
from engine.data.read.source import Source
from engine.data.refusal import Refusal

GOOD = "".join(f"p{i},c{i}\n" for i in range(40))


def read(path: Path, content: str) -> tuple[list[dict[str, Any]], list[Refusal], Source]:
    path.write_text(content, encoding="utf-8", newline="")
    source, bad = Source(path), list[Refusal]()
    return [row.values for row in rows_of(source, bad=bad.append)], bad, source


@pytest.mark.parametrize(
    ("content", "first"),
    [
        ("a;b\n1,5;2\n1,7;3\n", {"a": "1,5", "b": "2"}),
        ("a|b\nx, y|z\nx, y|z\n", {"a": "x, y", "b": "z"}),
        ("sep=;\na;b\n1;2\n", {"a": "1", "b": "2"}),
        ('a,b\n"say \\"hi\\"",2\n"say \\"ho\\"",3\n', {"a": 'say "hi"', "b": "2"}),
        ("My report\n\na,b,c\n1,2,3\n4,5,6\n", {"a": "1", "b": "2", "c": "3"}),
        ("a,b,\n1,2,\n3,4,\n", {"a": "1", "b": "2"}),
        (",0,1\n0,x,y\n1,z,w\n", {"0": "x", "1": "y", "column_1": "0"}),
        ("1,2.5\n3,4\n", {"column_1": "1", "column_2": "2.5"}),
        ("a,b\r\n1,2\n3,4\r\n", {"a": "1", "b": "2"}),
        ("a,b\r1,2\r3,4\r", {"a": "1", "b": "2"}),
        ("text\nHello there\n", {"text": "Hello there"}),
        ("\n\n a , B \n1,2\n", {"a": "1", "b": "2"}),
    ],
)
def test_delimiters_quotes_titles_and_names(tmp_path: Path, content: str, first: dict[str, str]) -> None:
    rows, bad, _ = read(tmp_path / "a.csv", content)
    assert rows[0] == first
    assert not bad


def test_a_table_without_quoting_keeps_its_quotes(tmp_path: Path) -> None:
    rows, bad, _ = read(tmp_path / "a.tsv", 'a\tb\nhe said\t"Hi" to her\nx\t"y\nz\tw\n')
    assert [row["b"] for row in rows] == ['"Hi" to her', '"y', "w"]
    assert not bad


def test_what_was_decided_is_remarked(tmp_path: Path) -> None:
    assert "column_1" in read(tmp_path / "a.csv", "1,2\n3,4\n")[2].remarks[0]
    assert "title" in read(tmp_path / "a.csv", "Sales\na,b\n1,2\n3,4\n")[2].remarks[0]
    assert not read(tmp_path / "a.csv", "a,b\n1,2\n")[2].remarks


def test_ragged_records_are_refused_one_by_one(tmp_path: Path) -> None:
    rows, bad, _ = read(tmp_path / "a.csv", f"a,b\n1\n{GOOD}1,2,3\n1,2,,\n")
    assert len(rows) == 41
    assert [(refusal.where.rpartition(":")[2], refusal.raw) for refusal in bad] == [
        ("2", "1\n"),
        ("43", "1,2,3\n"),
    ]


@pytest.mark.parametrize("at", [0, 20, 40])
def test_a_stray_quote_costs_its_own_record(tmp_path: Path, at: int) -> None:
    lines = GOOD.splitlines(keepends=True)
    lines.insert(at, '"stray,quote\n')
    rows, bad, _ = read(tmp_path / "a.csv", "a,b\n" + "".join(lines))
    assert [row["a"] for row in rows] == [f"p{i}" for i in range(40)]
    assert [refusal.where for refusal in bad] == [f"{tmp_path}/a.csv:{at + 2}"]


def test_lines_within_a_broken_record_do_not_become_rows(tmp_path: Path) -> None:
    rows, bad, _ = read(
        tmp_path / "a.csv", f'a,b,c\n1,"text\nmore text\nend" oops,3\n{GOOD.replace(",", ",x,")}'
    )
    assert len(rows) == 40
    assert [refusal.where for refusal in bad] == [f"{tmp_path}/a.csv:2"]
    rows, bad, _ = read(tmp_path / "b.csv", 'text\n"one\ntwo" x\n"three"\n')
    assert rows == [{"text": "three"}]
    assert len(bad) == 1


def test_a_record_with_an_unreadable_line_is_not_given_without_it(tmp_path: Path) -> None:
    rows, bad, _ = read(tmp_path / "a.csv", 'a,b\n"x\ny\0\nz",1\np,q\n')
    assert rows == [{"a": "p", "b": "q"}]
    assert [refusal.where.rpartition(":")[2] for refusal in bad] == ["3", "2"]


def test_rows_go_on_from_any_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    read(path, f"Title\na,b\n{GOOD}" + '"x\ny",z\n1,2\n')
    whole = list(rows_of(Source(path)))
    for at in (0, 1, 39, 40, 41):
        assert list(rows_of(Source(path), whole[at].start)) == whole[at:]


TORTURE = {
    "bad.csv": (1, ["4 fields", "2 fields"]), "bad_skip_lines.csv": (1, ["4 fields", "2 fields"]),
    "blanks.csv": (1, []), "blanks_converted.csv": (0, []), "date_like_number.csv": (1, []),
    "dummy.csv": (1, []), "dummy.csv.bz2": (0, ["bunzip2 -k dummy.csv.bz2"]), "dummy.csv.gz": (1, []),
    "dummy.tsv": (1, []), "dummy.xlsx": (0, ["save the spreadsheet as CSV"]), "dummy2.csv": (1, []),
    "dummy3.csv": (2, []), "dummy_col_shuffled.csv": (1, []), "dummy_col_shuffled_ragged.csv": (1, []),
    "empty.csv": (0, []), "foo1.csv": (2, []), "foo2.csv": (2, []), "iris.csv": (150, []),
    "irismeta.csv": (3, []), "join_a.csv": (3, []), "join_a_short.csv": (1, ["2 fields", "1 field,"]),
    "join_b.csv": (3, []), "join_no_header_row.csv": (3, []), "join_short.csv": (2, []),
    "mac_newlines.csv": (2, []), "no_header_row.csv": (1, []), "no_header_row2.csv": (1, []),
    "no_header_row3.csv": (2, []), "null_byte.csv": (0, ["null byte"]),
    "optional_quote_characters.csv": (1, []), "realdata/Datagov_FY10_EDU_recp_by_State.csv": (55, []),
    "realdata/FY09_EDU_Recipients_by_State.csv": (52, []), "realdata/README.csv": (3, []),
    "realdata/acs2012_5yr_population.csv": (93, []), "realdata/ks_1033_data.csv": (1575, []),
    "realdata/census_2000/census2000_geo_schema.csv": (83, []),
    "realdata/census_2000/determination.csv": (1555, []),
    "realdata/census_2000/determination_schema.csv": (21, []),
    "realdata/census_2010/census2010_geo_schema.csv": (101, []),
    "realdata/census_2010/ilgeo2010_excerpt.csv": (1000, []),
    "realdata/ne_1033_data.xlsx": (0, ["spreadsheet"]), "sheets.xlsx": (0, ["spreadsheet"]),
    "sheetsxls_converted.csv": (5, []), "sheetsxlsx_converted.csv": (5, []), "sniff_limit.csv": (1, []),
    "sort_ints_nulls.csv": (3, []), "test.xlsx": (0, ["spreadsheet"]), "test_date_format.csv": (2, []),
    "test_date_format_converted.csv": (2, []), "test_empty_columns.csv": (2, []),
    "test_empty_columns_long_row.csv": (0, []), "test_empty_columns_short_row.csv": (0, []),
    "test_extra_header.csv": (0, ["3 fields"]), "test_geo.csv": (17, []), "test_geojson.csv": (3, []),
    "test_header_newline.csv": (1, []), "test_ignore_case.csv": (5, []),
    "test_join_short_rows.csv": (1, ["2 fields", "2 fields"]), "test_latin1.csv": (1, ["WINDOWS-1252"]),
    "test_literal_order.csv": (3, []), "test_locale.csv": (1, []), "test_locale_converted.csv": (1, []),
    "test_no_leading_zeroes.csv": (1, []), "test_numeric_date_format.csv": (2, []),
    "test_precision.csv": (1, []), "test_skip_lines.csv": (1, []),
    "test_skip_lines.xlsx": (0, ["spreadsheet"]),
    "test_utf16_big.csv": (2, []), "test_utf16_little.csv": (2, []), "test_utf8.csv": (2, []),
    "test_utf8_bom.csv": (2, []), "testfixed": (0, ["Use one of: .jsonl"]),
    "testfixed_converted.csv": (4, []),
    "testfixed_schema.csv": (8, []), "testfixed_schema_no_inference.csv": (3, []),
    "testjson_converted.csv": (5, []), "testjson_multiline_converted.csv": (2, []),
    "testjson_nested_converted.csv": (2, []), "testxls_converted.csv": (5, []),
    "testxls_unicode_converted.csv": (1, []), "testxlsx_converted.csv": (5, []),
    "testxlsx_noinference_converted.csv": (5, []), "testxlsx_unicode_converted.csv": (1, []),
}  # fmt: skip
"""What every odd file of the world comes to: its rows, and the reason of each record that is none."""


def test_every_odd_file_of_the_world_is_read_or_explained(shared: Path) -> None:
    folder = shared / "data" / "csv_torture" / "examples"
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    assert set(files) == set(TORTURE)
    for name, (rows, reasons) in TORTURE.items():
        source, bad = Source(files[name]), list[Refusal]()
        found = []
        try:
            found = list(rows_of(source, bad=bad.append))
        except Refusal as refusal:
            bad.append(refusal)
        assert len(found) == rows, name
        assert len(bad) == len(reasons), name
        assert all(reason in str(refusal) for reason, refusal in zip(reasons, bad, strict=True)), name
        assert all(refusal.do for refusal in bad), name
