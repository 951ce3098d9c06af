"""Refusals, and sentences in which a model speaks of itself."""

from __future__ import annotations

import re
from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.prose import around
from engine.data.checks.seen import Seen

_HEAD: Final = 240
"""Characters of an answer in which a refusal begins."""
_HINTS: Final = (
    "sorry",
    "apolog",
    " AI",
    "can't",
    "cannot",
    "unable",
    "not able",
    " leid",
    "siento",
    " KI",
    " IA",
)
_OTHER_HINTS: Final = re.compile(
    "can’t|ésol|ão posso|spiace|inguist|抱歉|对不起|對不起|无法[提回]|不能[提回]|[語语]言模型|人工智能|作为AI"
    "|申し訳|죄송|звинит|сожален|прошу|модель|آسف|عذر|تاسف|تأسف|क्षमा|खेद|माफ़|zgünüm"
)
_PATTERNS: Final = (
    r"(?:\bsorry\b|\bI apologi[sz]e\b|\bmy apologies\b)[^.!?\n]{0,40}\bI\b[^.!?\n]{0,24}"
    r"(?:can(?:['’]?t|not)|unable|not able|won['’]?t)\b",
    r"^\s*(?:unfortunately,? )?I(?: am|['’]m)? "
    r"(?:can(?:['’]?t|not)|(?:un|not )able to|won['’]?t) (?:be able to )?"
    r"(?:help|assist|provide|fulfil+|comply|answer|complete|do that|generate|create|write|engage|access)",
    r"\b(?:as|I['’]?m|I am) (?:only |just )?an? (?:AI|artificial intelligence|(?:large )?language model)\b"
    r"[^.!?\n]{0,60}\b(?:can(?:['’]?t|not)|do(?:n['’]t| not) have|unable|not able|not capable)\b",
    r"d[ée]sol[ée]e?\b[^.!?\n]{0,30}\bne p(?:eux|uis)\b",
    r"\ben tant qu['’](?:IA|intelligence artificielle|assistant IA)\b",
    r"\btut mir (?:sehr )?leid\b[^.!?\n]{0,30}\bkann\b[^.!?\n]{0,60}\bnicht\b|\bals (?:eine? )?KI(?:-|\b)",
    r"\blo siento\b[^.!?\n]{0,30}\bno puedo\b",
    r"\bcomo (?:una? )?(?:modelo de lenguaje|IA\b|inteligencia artificial)",
    r"\bdesculpe\b[^.!?\n]{0,30}\bnão posso\b",
    r"\bcomo (?:uma? )?(?:modelo de linguagem|inteligência artificial)",
    r"\bmi (?:di)?spiace\b[^.!?\n]{0,30}\bnon posso\b|\bcome modello linguistico\b",
    r"(?:抱歉|对不起|對不起)[，,]?\s*(?:但)?(?:我|作为|作為)[^。！\n]{0,20}(?:无法|不能|無法)",
    r"^\s*我(?:无法|不能|無法)(?:提供|回答|帮助|協助|完成|满足|生成)",
    r"作[为為](?:一[个個名款])?(?:人工智能|AI|语言模型|語言模型|大型语言模型)",
    r"申し訳(?:ありません|ございません)[^。\n]{0,40}(?:できません|できかねます|お答え)",
    r"죄송(?:합니다|하지만)[^.\n]{0,40}(?:수 없|못)",
    r"(?:извините|к сожалению|прошу прощения)[^.!?\n]{0,20}я не могу",
    r"как (?:языковая модель|искусственный интеллект|ИИ)",
    r"(?:آسف|عذراً?|أعتذر)[^.!؟\n]{0,30}لا (?:أستطيع|يمكنني)|مت[اأ]سفم?[^.!؟\n]{0,40}نمی",
    r"(?:क्षमा|माफ़|खेद)[^।\n]{0,40}(?:नहीं (?:कर|दे|बता) सकत|असमर्थ)",
    r"üzgünüm[^.!?\n]{0,40}(?:amam|emem|amıyorum|emiyorum)",
)
_REFUSAL: Final = re.compile("|".join(_PATTERNS), re.IGNORECASE)
_ITSELF: Final = re.compile(
    r"\b(?:as|I['’]?m|I am) (?:only |just )?an? (?:AI|artificial intelligence)(?: language)? model\b"
    r"|\b(?:as|I['’]?m|I am) (?:only |just )?a (?:large )?language model\b"
    r"|\b(?:developed|trained|created) by OpenAI\b|\bI am ChatGPT\b|\bI'm ChatGPT\b"
    r"|作[为為](?:一[个個名款])?(?:AI|人工智能)?(?:语言模型|語言模型)|由OpenAI",
    re.IGNORECASE,
)


def _refuses(seen: Seen) -> str:
    head = seen.answer[:_HEAD]
    if not _hinted(head):
        return ""
    found = _REFUSAL.search(head)
    return around(seen.answer, found.start(), found.end()) if found else ""


def _hinted(head: str) -> bool:
    for hint in _HINTS:
        if hint in head:
            return True
    return not head.isascii() and _OTHER_HINTS.search(head) is not None


def _of_itself(seen: Seen) -> str:
    text = seen.answer
    if not (
        "language model" in text
        or "AI model" in text
        or "OpenAI" in text
        or "语言模型" in text
        or "語言模型" in text
    ):
        return ""
    found = _ITSELF.search(text)
    return around(text, found.start(), found.end()) if found else ""


REFUSALS: Final = (
    RowCheck(
        name="refusal",
        category="quality",
        severity="note",
        title="refuse to answer",
        cause="The answers come from a model that was kept from answering; yours takes over the habit.",
        remedy="Leave out those that refuse what your model should answer.",
        look=_refuses,
        share=0.03,  # Alpaca's answers by GPT-4 refuse in 2.3 % (English) and 2.5 % (Chinese) of the rows
    ),
    RowCheck(
        name="speaks_of_itself",
        category="quality",
        severity="note",
        title="speak as another model of itself",
        cause="Phrases such as “As an AI language model” come from the model that wrote the answers.",
        remedy="Leave these rows out, or cut the phrases: the tuned model will say them of itself.",
        look=_of_itself,
        share=0.01,
    ),
)
