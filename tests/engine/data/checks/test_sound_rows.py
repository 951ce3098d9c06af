# ruff: noqa: E501
"""A false alarm is as bad as a miss: sound rows of many scripts and kinds fail no check."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.data.checks.characters import tidied
from engine.data.checks.pii import redact
from engine.data.inspect import Inspection
from tests.engine.data.checks.rows import all_wrong

SHARED = Path(__file__).resolve().parents[5] / "shared/data"

SOUND = {
    "Persian with joiners": ("چه کار می‌کنی؟", "من کتاب‌هایم را می‌خوانم و نامه‌ای می‌نویسم. خانه‌های قدیمی شهر زیبا هستند."),
    "Hindi with joiners": ("क्‍या हाल है?", "क्‍षेत्र में अच्‍छी वर्षा हुई और श्री‍मती शर्मा ने कहा कि फसल अच्छी है।"),
    "Malayalam with joiners": ("എന്താണ്?", "അവന്‍ വീട്ടില്‍ പോയി. മലയാളം ഒരു ഭാഷയാണ്‌."),
    "Sinhala": ("?", "ශ්‍රී ලංකාව ලස්සන රටකි. ප්‍රදේශය විශාලයි."),
    "Arabic with marks": ("ما هي العاصمة؟", "العاصمة هي القاهرة (Cairo\u200f)، وعدد سكانها كبير."),
    "Hebrew with balanced isolates": ("מה זה?", "הקובץ \u2066README.md\u2069 נמצא בתיקייה הראשית של הפרויקט."),
    "Hebrew with a direction that its line ends": ("מה?", "\u202bהדילוג על הבתים הבאים"),
    "emoji sequences": ("How was it?", "Great 👨‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 ❤️‍🔥 and a flag 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f!"),
    "Thai with word breaks": ("สวัสดี", "ภาษาไทย\u200bไม่มี\u200bช่องว่าง\u200bระหว่าง\u200bคำ"),
    "Khmer with breaks twice": ("?", "ការតភ្ជាប់\u200bរន្ធ\u200b\u200bទិន្នន័យ"),
    "Polish": ("Gdzie?", "Idę z\u00a0psem i\u00a0kotem do domu w\u00a0lesie."),
    "Khmer": ("?", "ភាសា\u200bខ្មែរ\u200bជា\u200bភាសា\u200bផ្លូវការ"),
    "Chinese": ("介绍一下北京。", "北京是中国的首都，人口超过二千万，有很多名胜古迹。　　其中最著名的是故宫。"),
    "Japanese with a wide space": ("東京について", "　東京は日本の首都です。人口は約1400万人で、世界最大の都市圏の一つです。"),
    "Japanese variants": ("葛飾", "葛\U000e0100飾区と書きます。"),
    "Korean": ("수도는?", "대한민국의 수도는 서울입니다. 한강이 도시를 가로질러 흐릅니다."),
    "French spaces": ("Comment\u00a0?", "Il a dit\u00a0: «\u00a0Bonjour\u202f!\u00a0» et a payé 12\u202f000\u00a0€, soit 50\u00a0%."),
    "French capitals": ("Où ?", "À Noël, l’été dernier, ça coûtait « très » cher à São Paulo — ÇA VA ?"),
    "German": ("Was?", "Für die Straße über den Fluß gibt es größere Brücken; Äpfel und Öl sind übrig."),
    "Vietnamese": ("Gì?", "Tiếng Việt là ngôn ngữ của người Việt và là ngôn ngữ chính thức tại Việt Nam."),
    "Icelandic": ("Hvað?", "Þetta er íslenska; það er gott að læra ný tungumál á Íslandi."),
    "Portuguese": ("O quê?", "NÃO é possível, irmã; AÇÃO e emoções são difíceis às vezes."),
    "Russian": ("Что?", "Съешь же ещё этих мягких французских булок, да выпей чаю."),
    "old quotes": ("Who?", "“It’s … fine,” he said — ‘really’ … 5′ 10″ × 3 ≈ 12 ½ ° ™ ® ©"),
    "Python": ("Write it.", "```python\ndef f(name):\n    return f'Hello {name} {{x}}'\n\nprint(f('<NAME>'))  # TODO: more\n```"),
    "bare Python": ("Write it.", "def greet(name):\n    print(f\"Hello {name}, {{literal}}\")\n# TODO: test it\n"),
    "Jinja": ("Show a loop in Jinja.", "{% for item in items %}\n  <li>{{ item.name }}</li>\n{% endfor %}"),
    "Jinja in a sentence": ("How do I print a variable in Jinja2?", "Write {{ name }} where the value should stand."),
    "Vue": ("Bind it.", "<template>\n  <p>{{ message }}</p>\n</template>\n<script>\nexport default {}\n</script>"),
    "Handlebars": ("Make an e-mail template with handlebars", "Hello {{firstName}},\nyour order {{order.id}} is on its way."),
    "inline code": ("How?", "Put `{{ name }}` into the file, and `<NAME>` into the command."),
    "Actions": ("How?", "Use ${{ secrets.TOKEN }} in the workflow."),
    "LaTeX": ("Solve it.", "We have $\\frac{{a}}{{b}} = x_{{n}}$ and \\textbf{{name}} \\[ \\sum_{i=1}^{n} i \\]"),
    "SQL": ("Query?", "SELECT name, [order id] FROM users WHERE id <> 5 AND name LIKE '%{x}%';"),
    "sets": ("Which?", "The set is {name, age}, and {{1}, {2}} is a set of sets."),
    "JSON": ("Call it.", '{"name": "get_weather", "arguments": {"city": "Oslo", "days": [1, 2]}}'),
    "table": ("Table?", "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 20),
    "HTML wanted": ("Write HTML for a link.", "<p>Go <a href='/'>home</a> &amp; back</p>"),
    "HTML page": ("Make me a page.", "<!DOCTYPE html>\n<html><body><p>Hi&nbsp;there</p></body></html>"),
    "less than": ("Which?", "a < b & c > d; x << 2"),
    "maths": ("How much?", "Natalia sold 48/2 = <<48/2=24>>24 clips, and 24+48 = <<24+48=72>>72 in all.\n#### 72"),
    "chorus": ("A song!", "La la la, we sing along,\nLa la la, a happy song.\n\nThe sun is up, the sky is blue,\nAnd I will sing this song for you.\n\nLa la la, we sing along,\nLa la la, a happy song.\n\nThe night is long, the stars are bright,\nWe dance until the morning light."),
    "a number": ("How many?", "7"),
    "a letter": ("A, B, C or D?", "B"),
    "yes": ("Is it?", "Yes"),
    "no": ("Is it?", "no."),
    "a word": ("Red or blue?", "Red"),
    "Chinese yes": ("对吗？", "是"),
    "a label": ("Classify: spam or ok?", "ok"),
    "an operator": ("Which operator compares?", "<="),
    "none": ("Find entities.", "None"),
    "a greeting": ("Hello!", "Hello!"),
    "regret": ("Write a letter.", "I am sorry that I missed your party. I cannot wait to see you again next week."),
    "can't": ("Poem?", "I can't stop loving the sea, and I won't be long."),
    "AI as a subject": ("What is AI?", "Artificial intelligence models are programs; an AI model learns from data."),
    "Chinese AI": ("人工智能是什么？", "人工智能是计算机科学的一个分支，抱歉用语是另一个话题。"),
    "Spanish todo": ("¿Qué?", "TODO está bien, y lo siento mucho por la demora."),
    "citation": ("Cite.", "As shown in [1] and [Smith 2020], the value [sic] is right."),
    "letter form": ("Write a cover letter.", "Dear Hiring Manager,\n\nI am excited to apply.\n\nSincerely,\n[Your Name]"),
}  # fmt: skip


@pytest.mark.parametrize(("prompt", "answer"), SOUND.values(), ids=SOUND)
def test_a_sound_row_fails_no_check(prompt: str, answer: str) -> None:
    assert all_wrong(answer, prompt) == {}


@pytest.mark.parametrize("text", [text for pair in SOUND.values() for text in pair])
def test_a_sound_text_stays_as_it_is_when_rows_are_tidied_and_redacted(text: str) -> None:
    assert tidied(text) == text
    assert redact(text) == text


CLEAN = """
gsm8k/train.jsonl gsm8k/test.jsonl misc_small/dolly.json banking77/train.csv banking77/test.csv
llamafactory_demo/alpaca_en_demo.json llamafactory_demo/alpaca_zh_demo.json tinyshakespeare/input.txt
tinystories_sample/tinystories_sample.txt tinystories_sample/german.txt tinystories_sample/address.txt
"""


@pytest.mark.parametrize("name", CLEAN.split())
def test_clean_data_gives_a_clean_report(name: str) -> None:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not here")
    inspection = Inspection([SHARED / name])
    for _ in inspection.steps():
        pass
    checked = inspection.report().checked
    found = {finding.title for finding in checked if finding.category != "duplicates"}
    # GSM8K does hold one zero-width space in each of its files.
    assert {title for title in found if not (name.startswith("gsm8k") and "nobody sees" in title)} == set()


def test_the_identity_rows_hold_85_placeholders() -> None:
    path = SHARED / "llamafactory_demo/identity.json"
    if not path.exists():
        pytest.skip("identity.json is not here")
    inspection = Inspection([path])
    for _ in inspection.steps():
        pass
    [finding] = [f for f in inspection.report().checked if f.category == "placeholder"]
    assert (finding.count, len(json.loads(path.read_text()))) == (85, 91)
    assert finding.patch is not None
    assert finding.patch.data == ["drop=placeholder"]
