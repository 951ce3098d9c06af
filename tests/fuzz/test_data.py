"""Data files of any content: the inspection reports or refuses, counts right, and can be told."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from engine.data.inspect import Inspection
from engine.data.read.rows import seen_rows
from engine.data.refusal import Refusal
from engine.inspection import talk
from engine.text import sayable
from tests.fuzz.mutated import mutated

TURN = st.fixed_dictionaries({"role": st.text(max_size=4), "content": st.text(max_size=4)})
ROWS = st.lists(
    st.dictionaries(
        st.sampled_from(["prompt", "completion", "messages", "text", "extra"]),
        st.text(max_size=6) | st.integers() | st.none()
        | st.lists(TURN, max_size=2),
        min_size=1,
        max_size=3,
    ),
    max_size=5,
)  # fmt: skip
LINES = ROWS.map(lambda rows: "".join(json.dumps(row) + "\n" for row in rows).encode())
ARRAY = ROWS.map(lambda rows: json.dumps(rows, indent=1).encode())
TABLE = st.just(b'prompt,completion\na,"b\nc"\n"d ""e""",f\n')
FILES = st.one_of(
    st.tuples(st.sampled_from([".jsonl", ".json"]), mutated(LINES)),
    st.tuples(st.just(".json"), mutated(ARRAY)),
    st.tuples(st.sampled_from([".csv", ".tsv", ".txt"]), mutated(TABLE)),
    st.tuples(st.sampled_from([".jsonl", ".json", ".csv", ".txt", ".md"]), st.binary(max_size=60)),
)


@given(FILES)
def test_any_file_is_reported_or_refused(file: tuple[str, bytes]) -> None:
    suffix, content = file
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{suffix}"
        path.write_bytes(content)
        try:
            bad: list[Refusal] = []
            rows = list(seen_rows(path, bad=bad.append))
            refused = bad[0] if bad and not rows else None
        except Refusal as refusal:
            rows, refused = [], refusal
        inspection = Inspection([path], None)
        for share in inspection.steps():
            assert 0 <= share <= 1
        report = inspection.report()
        assert (report.problem is None) == (refused is None)
        if refused is None:
            assert report.rows == len(rows)
            for number, row in enumerate(rows):
                [(_, again)] = inspection.table.rows(number, 1)
                assert again == row
        for number in range(report.rows):
            talk.encode(inspection.show(number, 64))
        talk.encode(talk.Told(report=report, share=1.0))
        msgspec.json.encode(sayable(msgspec.to_builtins(report.document(64))))
        json.dumps([str(finding.title) for finding in report.findings(64)])
