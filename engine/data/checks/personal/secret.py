"""Keys and tokens, by the prefixes that their makers gave them and by how random they look."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from engine.data.checks.personal.hit import Hit

_BITS: Final = 3.0
"""Shannon entropy a character below which a key is no key, as in gitleaks' rules for these prefixes."""
_SHAPES: Final = {
    "sk-": r"(?<![\w-])sk-(?:[a-z]{2,6}-)?(?:api\d\d-|v1-)?[\w-]{20,200}",  # OpenAI, Anthropic, OpenRouter
    "gh": r"(?<!\w)gh[pousr]_[A-Za-z0-9]{36,255}",  # GitHub
    "github_pat_": r"(?<!\w)github_pat_\w{36,255}",
    "hf_": r"(?<!\w)hf_[A-Za-z0-9]{30,40}",  # Hugging Face
    "AKIA": r"(?<![A-Za-z0-9])AKIA[A-Z0-9]{16}(?![A-Za-z0-9])",  # Amazon
    "ASIA": r"(?<![A-Za-z0-9])ASIA[A-Z0-9]{16}(?![A-Za-z0-9])",
    "aws_secret": r"(?<=[=:\"' ])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])",
    "AIza": r"(?<!\w)AIza[\w-]{35}",  # Google
    "xox": r"(?<!\w)xox[abeoprs]-[\w-]{10,250}",  # Slack
    "glpat-": r"(?<!\w)glpat-[\w-]{20,50}",  # GitLab
    "k_live_": r"(?<!\w)[sr]k_live_[A-Za-z0-9]{16,250}",  # Stripe
    "SG.": r"(?<!\w)SG\.[\w-]{16,32}\.[\w-]{16,64}",  # SendGrid
    "npm_": r"(?<!\w)npm_[A-Za-z0-9]{36}",
    "pypi-AgE": r"(?<!\w)pypi-AgE[\w-]{50,250}",
    "eyJ": r"(?<![\w-])eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}",  # JSON web token
    "PRIVATE KEY": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----\s(?:[\w .:,-]*\n){0,4}?"
    r"[A-Za-z0-9+/=\s]{64,}"
    r"(?:-----END (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----)?",
}
_PATTERNS: Final = {needle: re.compile(shape) for needle, shape in _SHAPES.items()}
_DUMMY: Final = re.compile(
    r"example|your|xxxx|placeholder|dummy|redacted|\.\.\.|IkpvaG4gRG9lI", re.IGNORECASE
)
"""What stands in documentation, as in gitleaks' list; the last is part of the usual sample of a web token."""


def secrets(text: str) -> Iterator[Hit]:
    """API keys, tokens and private keys."""
    for needle, pattern in _PATTERNS.items():
        if needle not in text:
            continue
        for found in pattern.finditer(text):
            if _random(found.group()) and not _DUMMY.search(found.group()):
                yield Hit("KEY", found.start(), found.end())


def _random(key: str) -> bool:
    """True for what no person has made up: letters and digits, and no few of them again and again."""
    if not key.startswith("hf_") and not any(letter.isdigit() for letter in key):
        return False
    return entropy(key) >= _BITS


def entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
