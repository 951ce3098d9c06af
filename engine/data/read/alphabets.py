"""Which code page a text is in, told by the letters that languages write: no guess where two of them fit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_PUNCTUATION: Final = frozenset(
    "\u00a0\u00ad«»‹›“”„‟‘’‚‛–—―…•·¿¡€£¥¢§©®™°ªº¹²³¼½¾×÷±µ¶†‡‰′″№¨´`¯¸،؛؟٪،。「」、・！？：；（），％～"
)
_WEST: Final = ("àâæçéèêëîïôœùûüÿ", "äöüßé", "áéíóúüñ", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöéü", "æøåéòôü",
                "áéëïóöüèê", "áðéíóúýþæö", "àçèéíïòóúü", "äõöüšž")  # fmt: skip
_CENTRE: Final = ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "ăâîşţ", "čćđšž")
_TURKISH: Final = ("çğıöşüâîûİ",)
_BALTIC: Final = ("ąčęėįšųūž", "āčēģīķļņōŗšūž", "äõöüšž")
_RUSSIAN: Final = ("абвгдежзийклмнопрстуфхцчшщъыьэюяё",)
_CYRILLIC: Final = (*_RUSSIAN, "абвгдежзийклмнопрстуфхцчшщьюяєіїґ", "абвгдежзиклмнопрстуфхцчшђјљњћџ",
                    "абвгдежзйклмнопрстуфхцчшыьэюяёіў")  # fmt: skip
_GREEK: Final = ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",)
_HEBREW: Final = ("אבגדהוזחטיךכלםמןנסעףפץצקרשתְֱֲֳִֵֶַָֹֻּֽ־ֿ׀ׁׂ׃װױײ׳״",)
_ARABIC: Final = ("ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوىيًٌٍَُِّْپچژگکیہھےںٹڈڑ\u200c\u200d",)
_THAI: Final = ("".join(map(chr, [*range(0xE01, 0xE3B), *range(0xE3F, 0xE5C)])),)
_VIETNAMESE: Final = ("àâăèéêìíòóôơùúưđ\u0300\u0301\u0303\u0309\u0323",)

PAGES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "cp1252": ("WINDOWS-1252", _WEST),
    "cp1250": ("WINDOWS-1250", (*_CENTRE, "äöüßé")),
    "cp1251": ("WINDOWS-1251", _CYRILLIC),
    "cp1253": ("WINDOWS-1253", _GREEK),
    "cp1254": ("WINDOWS-1254", (*_TURKISH, *_WEST[:8])),
    "cp1255": ("WINDOWS-1255", _HEBREW),
    "cp1256": ("WINDOWS-1256", _ARABIC),
    "cp1257": ("WINDOWS-1257", _BALTIC),
    "cp1258": ("WINDOWS-1258", _VIETNAMESE),
    "cp874": ("WINDOWS-874", _THAI),
    "iso8859_2": ("ISO-8859-2", _CENTRE),
    "iso8859_15": ("ISO-8859-15", _WEST),
    "koi8_r": ("KOI8-R", _RUSSIAN),
    "koi8_u": ("KOI8-U", _CYRILLIC),
    "cp866": ("CP866", _RUSSIAN),
    "mac_roman": ("MACINTOSH", _WEST),
    "cp437": ("CP437", _WEST),
    "cp850": ("CP850", _WEST),
    "cp852": ("CP852", _CENTRE),
}
"""Code pages by Python's name: that of iconv, and the letters beyond ASCII of the languages written in it."""
WIDE_PAGES: Final[dict[str, str]] = {
    "gb18030": "GB18030",
    "big5": "BIG5",
    "cp932": "CP932",
    "euc_jp": "EUC-JP",
    "cp949": "CP949",
}
"""Pages of two bytes a character, which charset-normalizer tells apart, and the names that iconv has."""

_WORD: Final = re.compile(r"[^\W\d_]+")
_MARKS: Final = "\u0300\u0301\u0303\u0309\u0323"
_NEVER: Final = re.compile(
    r"[^\W\d_][¹²³ºª¼½¾£¥¢¿¡¶§©®±×÷¨¸¯«»„°¤¦†‡‰№،؛][^\W\d_]"  # a sign within a word
    r"|ς\w|σ(?!\w)|[άέήίόύώ]\w*[άέήίόύώ]|(?<!\w)[α-ω]{5,}(?!\w)"  # Greek: sigma, one accent a word
    r"|(?<!\w)[ъьы]|[аеёиоуыэюяі][ьъ]|(?i:[аеёиоуыэюяіїє]{5}|[бвгджзйклмнпрстфхцчшщ]{6})"  # Cyrillic
    r"|[ךםןףץ]\w|[ةى]\w"  # Hebrew and Arabic letters that end a word
    r"|(?<![ก-\u0e4e])[\u0e31\u0e33-\u0e3a\u0e47-\u0e4e]|[เแโใไ](?![ก-ฮ])"  # Thai signs without a consonant
    f"|(?<![aăâeêioôơuưyAĂÂEÊIOÔƠUƯY])[{_MARKS}]"  # Vietnamese tones without a vowel
)
"""What no orthography has, and what reading a text in a wrong page gives at every turn."""
_FEW_WORDS: Final = 3
"""Capitals throughout are what small letters of another page become, and seldom a whole line."""
_ALONE: Final = re.compile(
    r"[a-z][^\x00-\x7f](?![^\x00-\x7f])|(?<![^\x00-\x7f])[^\x00-\x7f][a-z]", re.IGNORECASE
)
"""A character alone beside a Latin letter, as an accent becomes that is read as half of two bytes."""
_SURE: Final = 0.8
"""Share of lines that have to fit; a file of many languages has lines that fit none."""
_AHEAD: Final = 0.3
"""By which share the page has to lead, among the lines that another page would read differently."""
_LEAST_CHAOS: Final = 0.05
"""Of charset-normalizer's measure of disorder: right pages of two bytes had 0.02, wrong ones 0.08."""


class Guess(NamedTuple):
    """A page that might be the one."""

    codec: str
    lines: list[str]
    """As it reads them."""
    fits: list[bool]
    """Which of them are text of one language."""

    @property
    def share(self) -> float:
        """Of the lines that are text, 0 to 1."""
        return sum(self.fits) / len(self.fits)


def guesses(lines: Sequence[bytes]) -> list[Guess]:
    """Pages in which `lines` (no ASCII, no UTF-8) read as text, the best first; equal readings once."""
    raw = b"\n".join(lines)
    found: dict[str, Guess] = {}
    for codec, (_, languages) in PAGES.items():
        try:
            text = raw.decode(codec)
        except UnicodeDecodeError:
            continue
        read = text.split("\n")
        guess = Guess(codec, read, _fitting(read, languages))
        if guess.share and (text not in found or guess.share > found[text].share):
            found[text] = guess
    for codec in _of_two_bytes(raw):
        text = raw.decode(codec)
        read = text.split("\n")
        found.setdefault(text, Guess(codec, read, [not _ALONE.search(line) for line in read]))
    return sorted(found.values(), key=lambda guess: -guess.share)


def sureness(found: Sequence[Guess]) -> float:
    """How far the best guess leads any other where they differ, 0 to 1; 0 where it is not sure."""
    if not found or found[0].share < _SURE:
        return 0.0
    lead = min((_lead(found[0], other) for other in found[1:]), default=found[0].share)
    return lead if lead >= _AHEAD else 0.0


def _lead(best: Guess, other: Guess) -> float:
    pairs = zip(best.lines, other.lines, best.fits, other.fits, strict=True)
    differ = [mine - theirs for here, there, mine, theirs in pairs if here != there and (mine or theirs)]
    return sum(differ) / len(differ) if differ else 0.0


def iconv_name(codec: str) -> str:
    """What iconv calls a page."""
    return PAGES[codec][0] if codec in PAGES else WIDE_PAGES[codec]


def _fitting(lines: Sequence[str], languages: Sequence[str]) -> list[bool]:
    alphabets = [frozenset(letters + letters.upper()) | _PUNCTUATION for letters in languages]
    return [_fits(line, alphabets) for line in lines]


def _fits(line: str, alphabets: Sequence[frozenset[str]]) -> bool:
    beyond = {char for char in line if char > "\x7f"}
    if not any(beyond <= alphabet for alphabet in alphabets):
        return False
    words = _WORD.findall(line)
    capitals = [word.isupper() for word in words if not word.isascii() and word.lower() != word.upper()]
    shouted = len(capitals) >= _FEW_WORDS and all(capitals)
    return not shouted and not _NEVER.search(line) and all(map(_is_word, words))


def _is_word(word: str) -> bool:
    """True where letters are of one script, and capitals where capitals may be."""
    if word.isascii():
        return True
    latin = {char < "\u0250" or char in _MARKS for char in word}
    return len(latin) == 1 and (word[1:] == word[1:].lower() or word == word.upper())


def _of_two_bytes(raw: bytes) -> list[str]:
    # Imported on use: few files need it, and it takes a twentieth of a second.
    from charset_normalizer import from_bytes

    matches = from_bytes(raw, cp_isolation=[*WIDE_PAGES, "cp1252"], threshold=0.2)
    return [m.encoding for m in matches if m.encoding in WIDE_PAGES and m.chaos <= _LEAST_CHAOS]
