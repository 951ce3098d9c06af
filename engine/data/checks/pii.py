"""Personal data and secrets in what is learnt or asked."""

from __future__ import annotations

from typing import Final

from engine.data.checks.check import RowCheck
from engine.data.checks.personal.redact import hits, masked, redact
from engine.data.checks.seen import Seen

__all__ = ["PII", "redact"]


def _look(seen: Seen) -> str:
    for text in (seen.answer, seen.prompt):
        for hit in hits(text):
            return masked(text, hit)
    return ""


PII: Final = RowCheck(
    name="pii",
    category="pii",
    severity="warning",
    title="hold what looks like personal data or a secret",
    cause="The texts hold e-mail addresses, phone numbers, accounts, cards, keys or public IP addresses.",
    remedy="Write over them, or leave these rows out: the model learns them by heart. Have keys revoked.",
    look=_look,
    mend="redact",
    lines=True,
)
