"""An encoding is proved, told with how sure it is, or refused with what it may be; none is guessed."""

from __future__ import annotations

import codecs
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.inspect import Inspection
from engine.data.read.alphabets import PAGES, WIDE_PAGES
from engine.data.read.rows import rows_of
from engine.data.read.source import Source
from engine.data.refusal import Refusal

ANY_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
SENTENCES = {
    "cp1252": [
        "Les élèves étaient déjà là",
        "Où est passée ma commande ?",
        "Ça coûte vingt euros",
        "une pêche mûre",
    ],
    "cp1250": [
        "Gdzie jest moja przesyłka?",
        "Proszę zmienić hasło",
        "Dziękuję, życzę miłego dnia",
        "źdźbło trawy",
    ],
    "cp1251": [
        "Где мой заказ?",
        "Смените пароль и попробуйте ещё раз",
        "Спасибо, хорошего дня",
        "завтра утром",
    ],
    "koi8_r": [
        "Где мой заказ?",
        "Смените пароль и попробуйте ещё раз",
        "Спасибо, хорошего дня",
        "завтра утром",
    ],
    "cp1253": [
        "Πού είναι η παραγγελία μου;",
        "Παρακαλώ αλλάξτε τον κωδικό",
        "Ευχαριστώ πολύ",
        "καλή σας μέρα",
    ],
    "cp1254": [
        "Siparişim nerede? İki hafta önce ödedim",
        "Lütfen şifrenizi değiştirin",
        "Ağaçtan düştü",
        "ığdır",
    ],
    "cp1255": [
        "איפה ההזמנה שלי?",
        "אנא שנו את הסיסמה ונסו שוב",
        "תודה על התשובה",
        "יום טוב",
    ],
    "cp1256": [
        "أين طلبي؟",
        "يرجى تغيير كلمة المرور",
        "شكرا على الرد",
        "أتمنى لك يوما سعيدا",
    ],
    "cp874": [
        "คำสั่งซื้อของฉันอยู่ที่ไหน",
        "กรุณาเปลี่ยนรหัสผ่าน",
        "ขอบคุณสำหรับคำตอบ",
        "ขอให้มีวันที่ดี",
    ],
    "gb18030": [
        "我的订单在哪里？我两周前就付款了。",
        "请更改密码后再试一次。",
        "感谢您的回复，祝您愉快。",
        "明天早上",
    ],
    "big5": [
        "我的訂單在哪裡？我兩週前就付款了。",
        "請更改密碼後再試一次。",
        "感謝您的回覆，祝您愉快。",
        "明天早上",
    ],
    "cp932": [
        "私の注文はどこですか？二週間前です。",
        "パスワードを変更してください。",
        "ご返信ありがとうございます。",
        "良い一日を",
    ],
    "cp949": [
        "제 주문은 어디에 있나요? 이 주 전에요.",
        "비밀번호를 변경해 주세요.",
        "답변 감사합니다.",
        "좋은 하루 되세요",
    ],
}


def read(path: Path, content: bytes) -> tuple[Source, list[dict[str, Any]], list[Refusal]]:
    path.write_bytes(content)
    source, bad = Source(path), list[Refusal]()
    return source, [row.values for row in rows_of(source, bad=bad.append)], bad


def rows_in(sentences: list[str]) -> list[dict[str, Any]]:
    return [{"id": number, "prompt": text, "completion": "Fine."} for number, text in enumerate(sentences)]


def written(rows: list[dict[str, Any]], kind: str) -> str:
    if kind == ".jsonl":
        return written_plainly(rows)
    if kind == ".json":
        return json.dumps(rows, ensure_ascii=False)
    return "id,prompt,completion\n" + "".join(f'{r["id"]},"{r["prompt"]}",{r["completion"]}\n' for r in rows)


@pytest.mark.parametrize("kind", [".jsonl", ".json", ".csv"])
@pytest.mark.parametrize("codec", SENTENCES)
def test_the_code_page_of_a_few_sentences_is_found(tmp_path: Path, codec: str, kind: str) -> None:
    rows = rows_in(SENTENCES[codec] * 2)
    source, found, bad = read(tmp_path / f"rows{kind}", written(rows, kind).encode(codec))
    assert [row["prompt"] for row in found] == [row["prompt"] for row in rows]
    assert not bad
    assert source.encoding.name == (PAGES[codec][0] if codec in PAGES else WIDE_PAGES[codec])
    assert "% sure" in source.encoding.told.replace(" %", "%")
    assert len(source.guessed) == (1 if kind == ".json" else len(rows)), "by lines"


@pytest.mark.parametrize("codec", [*PAGES, *WIDE_PAGES])
def test_no_page_is_sure_and_wrong(tmp_path: Path, codec: str) -> None:
    draw = random.Random(codec)
    known = [text for own in SENTENCES.values() for text in own if _encodable(text, codec)]
    if codec in WIDE_PAGES:  # accents in them are three bytes, which nobody writes
        known = [
            text for text in known if not any(text in SENTENCES[page] for page in PAGES if page in SENTENCES)
        ]
    for _ in range(12):
        lines = b"".join(b'{"prompt": "%s"}\n' % text.encode(codec) for text in draw.sample(known, 3))
        source, found, _ = read(tmp_path / "rows.jsonl", lines)
        if source.encoding.guessed and source.encoding.name:
            mine = [json.loads(line.decode(codec))["prompt"] for line in lines.splitlines()]
            assert {row["prompt"] for row in found} <= set(mine), source.encoding.told


def _encodable(text: str, codec: str) -> bool:
    try:
        return not text.isascii() and bool(text.encode(codec))
    except UnicodeEncodeError:
        return False


@pytest.mark.parametrize("kind", [".jsonl", ".json", ".csv", ".txt"])
@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
def test_a_byte_order_mark_proves_it(tmp_path: Path, codec: str, kind: str) -> None:
    rows = rows_in(["日本語 🦊", "ascii", "é"])
    text = written(rows, ".jsonl" if kind == ".txt" else kind)
    source, found, _ = read(tmp_path / f"rows{kind}", ("\ufeff" + text).encode(codec))
    assert not source.encoding.guessed
    assert "".join(row["text"] for row in found) == text if kind == ".txt" else len(found) == 3
    assert kind == ".txt" or [row["prompt"] for row in found] == [row["prompt"] for row in rows]


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_told_by_its_null_bytes(tmp_path: Path, codec: str) -> None:
    for text in ("plain words", "我的订单在哪里", "Где мой заказ"):
        rows = rows_in([text] * 3)
        source, found, _ = read(tmp_path / "rows.jsonl", written(rows, ".jsonl").encode(codec))
        assert found == rows
        assert source.encoding.told == f"{codec[:-3].upper()}{codec[-2:].upper()} (99 % sure)"


def test_ascii_and_utf8_are_no_guess(tmp_path: Path) -> None:
    assert read(tmp_path / "a.jsonl", b'{"a": 1}\n')[0].encoding.told == "ASCII"
    assert read(tmp_path / "a.jsonl", '{"a": "é"}\n'.encode())[0].encoding.told == "UTF-8"


def test_what_two_pages_would_read_is_refused_with_both(tmp_path: Path) -> None:
    _, found, bad = read(tmp_path / "a.csv", b"a,b,c\n1,2,3\n4,5,\xa9\n")
    assert [row["a"] for row in found] == ["1"]
    [refusal] = bad
    assert refusal.where.endswith("a.csv:3")
    assert "WINDOWS-1252 (“4,5,©”)" in refusal.why
    assert "iconv -f WINDOWS-1252 -t UTF-8 a.csv > utf8-a.csv" in refusal.do


@pytest.mark.parametrize("kind", [".jsonl", ".json"])
def test_lines_of_another_encoding_are_named(tmp_path: Path, kind: str) -> None:
    rows = rows_in(["é", "ö", "café au lait", "ü"])
    parts = [
        json.dumps(row, ensure_ascii=False).encode("cp1252" if at == 2 else "utf-8")
        for at, row in enumerate(rows)
    ]
    content = b"\n".join(parts) if kind == ".jsonl" else b"[" + b",\n".join(parts) + b"]"
    _, found, bad = read(tmp_path / f"rows{kind}", content)
    assert [row["id"] for row in found] == [0, 1, 3]
    assert [refusal.where for refusal in bad] == [f"{tmp_path}/rows{kind}:3"]
    assert "not valid UTF-8" in bad[0].what
    assert "As WINDOWS-1252" in bad[0].why


def test_lower_case_and_capitals_of_short_lines_are_enough(tmp_path: Path) -> None:
    rows = [{"prompt": text, "completion": "Спасибо, хорошего дня"} for text in SENTENCES["cp1251"]]
    source, found, _ = read(tmp_path / "a.jsonl", written_plainly(rows).encode("cp1251"))
    assert found == rows
    assert source.encoding.name == "WINDOWS-1251"


def written_plainly(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_utf8_in_a_file_of_a_code_page_is_named(tmp_path: Path) -> None:
    lines = [json.dumps({"a": text}, ensure_ascii=False) for text in SENTENCES["cp1252"]]
    content = "\n".join(lines).encode("cp1252") + b"\n" + '{"a": "déjà"}\n'.encode()
    _, found, bad = read(tmp_path / "a.jsonl", content)
    assert len(found) == 4
    assert [refusal.where for refusal in bad] == [f"{tmp_path}/a.jsonl:5"]
    assert "UTF-8, in a file of another encoding" in bad[0].what


def test_the_encoding_and_its_first_lines_are_in_the_report(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(written(rows_in(["plain", *SENTENCES["cp1251"]]), ".jsonl").encode("cp1251"))
    inspection = Inspection([path], None)
    list(inspection.steps())
    report = inspection.report()
    assert report.files[0].encoding.startswith("WINDOWS-1251 (")
    [note] = [f for f in report.findings(64) if "WINDOWS-1251" in f.title]
    assert (note.severity, note.count, note.places[0]) == ("note", 4, f"{path}:2")
    assert 0 < note.confidence < 1


@ANY_FILE
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20), min_size=1, max_size=9
    ),
    codec=st.sampled_from(["utf-8-sig", "utf-16", "utf-32", "utf-8"]),
    kind=st.sampled_from([".jsonl", ".json"]),
)
def test_proved_encodings_keep_every_character(
    tmp_path: Path, texts: list[str], codec: str, kind: str
) -> None:
    rows = rows_in(texts)
    assert read(tmp_path / f"r{kind}", written(rows, kind).encode(codec))[1] == rows


@ANY_FILE
@given(
    content=st.binary(max_size=200),
    mark=st.sampled_from(
        [b"", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF8]
    ),
    kind=st.sampled_from([".jsonl", ".json", ".csv", ".txt"]),
)
def test_no_bytes_of_any_encoding_crash_a_reader(
    tmp_path: Path, content: bytes, mark: bytes, kind: str
) -> None:
    try:
        read(tmp_path / f"r{kind}", mark + content)
    except Refusal as refusal:
        told = refusal
    else:
        return
    assert told.where.startswith(str(tmp_path))
