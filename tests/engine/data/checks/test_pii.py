# ruff: noqa: E501
"""Personal data and secrets: found by shape and check digits, shown masked, written over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.checks.personal.bank import luhn
from engine.data.checks.personal.secret import entropy
from engine.data.checks.pii import redact
from tests.engine.data.checks.rows import chat, checks

RANDOM = "q7Zp3Xv9Lm2Kt5Wd8Rb4Nc6Hj1Gs0FyTaEu"
"""No key of anybody."""
JWT = f"eyJ{RANDOM}.eyJ{RANDOM}{RANDOM}.{RANDOM}"
PEM = "-----BEGIN RSA PRIVATE KEY-----\n" + (RANDOM + "kL8pQ2xY\n") * 4 + "-----END RSA PRIVATE KEY-----"

FOUND = [
    ("Write to anna.berg@posteo.de.", "Write to [EMAIL]."),
    ("<Jürgen.Groß+x@bücher-shop.co.uk>", "<[EMAIL]>"),
    ("mailto:q@zoo.museum", "mailto:[EMAIL]"),
    ("Call +49 30 901820 now", "Call [PHONE] now"),
    ("+1 (415) 862-0931", "[PHONE]"),
    ("(415) 862-0931 or 415-862-0931", "[PHONE] or [PHONE]"),
    ("Tel.: 030/90182012", "Tel.: [PHONE]"),
    ("phone number is 020 7219 4272.", "phone number is [PHONE]."),
    ("电话：010-8888 6543", "电话：[PHONE]"),
    ("他的号码是13812046795。", "他的号码是[PHONE]。"),
    ("फ़ोन: 98100 43217", "फ़ोन: [PHONE]"),
    ("تلفن: 021 8839 4417", "تلفن: [PHONE]"),
    ("DE89 3704 0044 0532 0130 00", "[IBAN]"),
    ("IBAN GB82WEST12345698765432 here", "IBAN [IBAN] here"),
    ("MT84MALT011000012345MTLCAST001S.", "[IBAN]."),
    ("FR14 2004 1010 0505 0001 3M02 606", "[IBAN]"),
    ("Card 4111 1111 1111 1111, please", "Card [CARD], please"),
    ("378282246310005", "[CARD]"),
    ("5555-5555-5555-4444", "[CARD]"),
    (f"sk-proj-{RANDOM}", "[KEY]"),
    (f"token=ghp_{RANDOM}a;", "token=[KEY];"),
    ("hf_aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH", "[KEY]"),
    ("AKIAZ7QX2M5KT4WD8RBN", "[KEY]"),
    (f"AIza{RANDOM[:35]}", "[KEY]"),
    (f"xoxb-{RANDOM}", "[KEY]"),
    (f"Bearer {JWT}", "Bearer [KEY]"),
    (f"a\n{PEM}\nb", "a\n[KEY]\nb"),
    (f"aws_secret_access_key = {RANDOM}AbC1+", "aws_secret_access_key = [KEY]"),
    ("from 81.169.145.78 at noon", "from [IP] at noon"),
    ("2a00:1450:4001:81b::200e", "[IP]"),
]  # fmt: skip
NONE = [
    "user@example.com, a@b.test, me@sub.example.org, john.doe@gmail.com, your.name@company.com, noreply@github.com",
    "git clone git@github.com:user/repo.git",
    "@app.route('/') and @user on the net, icon@2x.png, package@1.2.3, a @ b, x@y",
    "2024-01-15 10:30:00, 15/01/2024, 1999-2005, 01.02.2024",
    "version 1.2.3.4, v10.20.30.40, section 4.11.2.7, release 81.169.145.78",
    "127.0.0.1 192.168.0.12 10.1.2.3 172.16.9.9 192.0.2.44 203.0.113.7 8.8.8.8 0.0.0.0 255.255.255.0 999.1.1.12",
    "fe80::1 ::1 2001:db8::42 std::vector 12:30:45 aa:bb:cc:dd:ee:ff",
    "4111 1111 1111 1112, 1234567890123456, 0000 0000 0000 0000, 9999999999999999",
    "DE89 3704 0044 0532 0130 01, GB82 WEST 1234 5698 7654 33, AB12 3456 7890 1234",
    "order 20240115123456, id 81234567890123, ISBN 978-3-16-148410-0, ISBN 0-306-40615-2",
    "555-0123, (415) 555-0199, 123-456-7890, +1 234 567 8901, 1-800-273-8255, phone 0000000",
    "call 3 people, phones cost $3000 / 200, my cellar holds 2400/2=1200",
    "3.14159265358979, 2718281828, 1,234,567,890, 6.02214076e23, 299792458 m/s",
    "sk-your-api-key-goes-here, sk-xxxxxxxxxxxxxxxxxxxxxxxx, ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, hf_token",
    "AKIAIOSFODNN7EXAMPLE, task-management-and-planning-of-the-week, sk-fading-circle-container-inner",
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "d41d8cd98f00b204e9800998ecf8427e 550e8400-e29b-41d4-a716-446655440000 https://a.org/x_y_z/0123456789abcdef",
    "一九九八年，共1234567人，编号 20231115001。",
]  # fmt: skip


@pytest.mark.parametrize(("text", "redacted"), FOUND)
def test_what_is_personal_or_secret_is_written_over(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert redact(text) == text


@given(text=st.text(st.characters(codec="utf-8"), max_size=200))
def test_a_redacted_text_holds_nothing_more(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(text=st.text("aA0127+-.@:() ,sk_hfDE", max_size=120))
def test_no_text_of_such_characters_breaks_it(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("text", [text for text, _ in FOUND])
def test_no_finding_shows_what_it_found(text: str) -> None:
    met = checks()
    met.add(chat("Who?", f"See: {text}"))
    [finding] = [each for each in met.findings(whole=True) if each.category == "pii"]
    for word in text.replace("\n", " ").split(" "):
        if len(word) > 6 and any(letter.isdigit() or letter == "@" for letter in word):
            assert word.strip(".,;<>") not in str(finding)
    assert finding.patch is not None
    assert finding.patch.data == ["redact"]


def test_an_address_is_shown_by_its_first_letter() -> None:
    met = checks()
    met.add(chat("Who?", "Ask anna.berg@posteo.de"))
    assert "e-mail address a…@…" in met.findings(whole=True)[0].evidence[0]


def test_check_digits_and_entropy() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
