"""What each check of one row finds, and what looks like it and is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.checks.characters import tidied
from engine.data.checks.check import RowCheck
from engine.data.checks.seen import seen
from engine.data.checks.table import ROW_CHECKS
from engine.data.row import Row
from engine.data.shapes import Chat
from engine.inspection.report import Report
from engine.inspection.words import WORDS
from tests.engine.data.checks.rows import CHECKS, all_wrong, chat, checks, document, pair, wrong

CIRCLE = "The answer is that we should go there now because it is good. "
LONG = "Once there was a miller who had three sons, a mill, a donkey and a cat. "

UNSOUND = [
    ("placeholder", "hi", "Hello! I am {{name}}, made by {{ author }}."),
    ("placeholder", "Who are you?", "I am {name}, an assistant made by {company_name}."),
    ("placeholder", "你是谁？", "我是{{姓名}}，很高兴认识你。"),
    ("placeholder", "Who?", "Dear <NAME>, welcome back."),
    ("placeholder", "Who?", "Please call <your name here>."),
    ("placeholder", "Where?", "Our office is at [INSERT ADDRESS]."),
    ("placeholder", "Where?", "Our office is at [insert your city here]."),
    ("placeholder", "Explain.", "TODO"),
    ("placeholder", "Explain.", "TODO: write an answer"),
    ("placeholder", "Explain.", "Lorem ipsum dolor sit amet, consectetur."),
    ("placeholder", "Write to {{customer}} now.", "Here it is."),
    ("trivial", "Why?", "..."),
    ("trivial", "Why?", "-"),
    ("trivial", "Why?", "N/A"),
    ("trivial", "Why?", "nan"),
    ("trivial", "Why?", "[deleted]"),
    ("trivial", "Why?", "<nooutput>"),
    ("trivial", "Why?", "。。。"),
    ("echo", "What is the capital of France?", "What is the capital of France?"),
    ("echo", "What is the capital of France?", "what is the  capital of france?\n"),
    ("begins_with_prompt", "What is the capital of France?", "What is the capital of France?\nIt is Paris."),
    ("repetition", "Where?", CIRCLE * 12),
    ("repetition", "Where?", LONG + " ".join(f"w{i}" for i in range(60)) + " and so on" * 9),
    (
        "repetition",
        "Where?",
        "\n".join(["Go left.", "Go right along the wall.", "Stop at the old red door."] * 4) + LONG * 2,
    ),
    ("repetition", "哪里？", "我们应该去那里，因为那里很好。" * 20),
    ("special_token", "Hi", "Hello!<|im_end|>"),
    ("special_token", "Hi</s>", "Hello!"),
    ("special_token", "[INST] Hi [/INST]", "Hello!"),
    ("special_token", "Hi", "Hello<|eot_id|>"),
    ("special_token", "Hi", "Hello<end_of_turn>"),
    ("special_token", "Hi", "Hello<｜end▁of▁sentence｜>"),
    ("mojibake", "Où ?", "Le cafÃ© est trÃ¨s bon."),
    ("mojibake", "Who?", "Itâ€™s a long way, he said â€“ really."),
    ("mojibake", "谁？", "ä½\u00a0å¥½ï¼Œä¸–ç•Œ"),
    ("mojibake", "Кто?", "РџСЂРёРІРµС‚, РјРёСЂ"),
    ("mojibake", "Who?", "The caf├⌐ is closed, vis-├á-vis."),
    ("lost_character", "Who?", "The caf\ufffd is closed."),
    ("lost_character", "Who?", "\uf0b7 first point of a PDF file"),
    ("control", "Who?", "a\x00b"),
    ("control", "Who?", "\x1b[31mred\x1b[0m"),
    ("control", "Who\x08?", "fine"),
    ("bidi", "Review.", "if access != 'user\u202e \u2066// admin\u2069 \u2066':"),
    ("bidi", "مرحبا", "نص \u202eمقلوب"),
    ("bidi", "שלום", "טקסט \u202dשלא נסגר"),
    ("bidi", "Who?", "plain \u2066text\u2069 of Latin letters"),
    ("invisible", "Who?", "pass\u200bword"),
    ("invisible", "Who?", "to\u200dday is fine"),
    ("invisible", "Who?", "in\u00advis\u00adi\u00adble"),
    ("invisible", "Who?", "the end\ufeff of it"),
    ("invisible", "Who?", "hi" + "".join(chr(0xE0000 + ord(c)) for c in "secret order")),
    ("invisible", "Who?", "hi 😀\U000e0162\U000e0155\U000e0153"),
    ("invisible", "چی؟", "سلام\u200c\u200c\u200d\u200c دنیا"),
    ("space", "Who?", "The\u00a0man went\u2003home."),
    ("refusal", "Who?", "I'm sorry, but I can't assist with that."),
    ("refusal", "Who?", "As an AI language model, I do not have personal opinions."),
    ("refusal", "谁？", "很抱歉，我无法回答这个问题。"),
    ("refusal", "谁？", "作为一个人工智能语言模型，我没有感情。"),
    ("refusal", "¿Quién?", "Lo siento, pero no puedo ayudarte con eso."),
    ("refusal", "Wer?", "Es tut mir leid, aber das kann ich leider nicht beantworten."),
    ("refusal", "Qui ?", "Je suis désolé, mais je ne peux pas répondre à cette question."),
    ("refusal", "誰？", "申し訳ありませんが、その質問にはお答えできません。"),
    ("refusal", "Кто?", "Извините, но я не могу ответить на этот вопрос."),
    ("speaks_of_itself", "Who?", "As an AI language model, I like music."),
    ("web_leftovers", "Who?", "Tom&nbsp;Jones was born in<br/>Wales."),
    ("web_leftovers", "Who?", "He was born in Wales.[citation needed] He sang."),
    ("web_leftovers", "Who?", "</p>The end."),
]


@pytest.mark.parametrize(("name", "prompt", "answer"), UNSOUND)
def test_a_row_that_is_not_sound_is_found_and_its_flaw_quoted(name: str, prompt: str, answer: str) -> None:
    assert wrong(name, answer, prompt)


def test_every_check_has_a_row_that_fails_it() -> None:
    own = {"pii", "roles", "blob", "unfinished"}
    assert set(CHECKS) - {name for name, _, _ in UNSOUND} == own, "those have tests of their own"


@given(prompt=st.text(), answer=st.text())
def test_no_text_breaks_a_check(prompt: str, answer: str) -> None:
    for row in (chat(prompt, answer), pair(prompt, answer), document(answer)):
        for check in ROW_CHECKS:
            assert isinstance(check.look(row), str)


NEAR = [
    ("echo", "Hello there!", "Hello there!"),  # a greeting is answered with a greeting
    ("echo", "Correct this sentence: he go home", "he goes home"),
    ("begins_with_prompt", "Go on: once upon a time", "Once upon a time there was a king."),
    ("special_token", "Which tag?", "<s>struck out</s>"),
    ("special_token", "Which?", "hsl(<h>, <s>, <l>) in <pad> of a file"),
    ("placeholder", "Usage?", "cp [options] <name> <Name>"),
    ("special_token", "What?", "a <b and c|> d, [1], <<48/2=24>>"),
    ("trivial", "Which punctuation mark ends a sentence?", "."),
    ("trivial", "Answer ok or not ok", "ok"),
    ("refusal", "Who?", "I can't wait! Sorry for being late, I missed the bus."),
]


@pytest.mark.parametrize(("name", "prompt", "answer"), NEAR)
def test_what_only_looks_like_a_flaw_is_none(name: str, prompt: str, answer: str) -> None:
    assert wrong(name, answer, prompt) == ""


def test_texts_and_completions_may_be_written_in_a_models_own_format() -> None:
    check = CHECKS["special_token"]
    assert check.look(pair("<|im_start|>user\nHi<|im_end|>\n", "Hello<|im_end|>")) == ""
    assert check.look(document("<s>[INST] Hi [/INST] Hello</s>")) == ""


HIDING = ("control", "bidi", "invisible", "space")


STRANGE = (
    "ab \u200b\u200c\u200d\u202e\u2066\u2069\u200f\xad\ufeff\u00a0\u2028\x07"
    "س😀🏴\U000e0067\U000e007f\U000e0101"
)


@given(text=st.text(STRANGE))
def test_a_tidied_text_passes_the_checks_that_tidying_mends(text: str) -> None:
    row = chat("", tidied(text))
    assert {name: said for name in HIDING if (said := CHECKS[name].look(row))} == {}


@pytest.mark.parametrize("check", ROW_CHECKS, ids=lambda check: check.name)
def test_every_patch_is_a_word_of_inspect_apply(check: RowCheck) -> None:
    word, _, value = check.patch.partition("=")
    assert word in {each.name for each in WORDS}
    assert value in ("", check.name)


def test_rare_refusals_are_no_finding_and_many_are() -> None:
    met = checks()
    for number in range(100):
        met.add(chat("Who?", "I'm sorry, but I can't help with that." if number < 2 else f"It was {number}."))
    assert "refuse to answer" not in str(met.findings(whole=False))
    for _ in range(5):
        met.add(chat("Who?", "I'm sorry, but I can't help with that."))
    assert "refuse to answer" in str(met.findings(whole=False))


def test_a_finding_counts_quotes_and_names_what_mends_it() -> None:
    met = checks()
    for line in range(1, 9):
        met.add(chat("Who?", "The caf\x07 is closed." if line > 2 else "Fine.", line))
    [finding] = met.findings(whole=False)
    assert finding.title == "6 of 8 rows hold control characters"
    assert (finding.count, finding.share) == (6, 0.75)
    assert finding.places == [f"d.jsonl:{line}" for line in range(3, 8)]
    assert finding.evidence[0].startswith("d.jsonl:3  U+0007 in The caf")
    assert finding.patch is not None
    assert finding.patch.data == ["clean"]


def test_what_is_quoted_hides_a_secret_that_stands_beside() -> None:
    met = checks()
    met.add(
        chat("Who?", "Ask anna.berg@posteo.de \x07 at once, key hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH")
    )
    said = str(met.findings(whole=False))
    assert "anna" not in said
    assert "hf_aBc" not in said


def test_lines_of_a_text_file_are_looked_at_for_what_a_line_can_have() -> None:
    met = checks()
    met.add_line(document(""))
    met.add_line(document("The caf\ufffd is closed."))
    met.add_line(document("Mail to anna.berg@posteo.de"))
    assert [finding.count for finding in met.findings(whole=True)] == [1, 1]
    assert met.rows == 3


def test_findings_travel_in_a_report() -> None:
    met = checks()
    met.add(chat("Who?", "..."))
    [told] = Report(files=[], checked=met.findings(whole=True)).findings(1024)[:1]
    assert told.patch is not None
    assert told.patch.data == ["drop=trivial"]
    assert all_wrong("...").keys() == {"trivial"}


def test_a_label_may_be_any_word_and_a_call_of_a_tool_needs_none() -> None:
    turns = [{"role": "user", "content": "a text"}, {"role": "assistant", "content": "n/a"}]
    label = seen(Row("d.csv", 1, {"text": "a text", "label": "n/a"}), Chat(turns))
    assert CHECKS["trivial"].look(label) == ""
    call = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "weather"}}]},
    ]
    assert CHECKS["trivial"].look(seen(Row("d.jsonl", 1, {"messages": call}), Chat(call))) == ""
