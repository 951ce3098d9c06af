"""SQuAD: an article with paragraphs with questions, as one row a question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.refusal import Refusal


def questions(path: Path, line: int, article: object) -> Iterator[dict[str, Any]]:
    """Rows as the hub's `squad` has them: id, title, context, question, answers (text, answer_start).

    Raises:
        Refusal: the article is none.
    """
    if not isinstance(article, dict):
        raise _none(path, line, "article")
    for paragraph in _listed(path, line, article, "paragraphs"):
        for question in _listed(path, line, paragraph, "qas"):
            if not isinstance(question, dict):
                raise _none(path, line, "question")
            found = question.get("answers")
            answers = (
                [answer for answer in found if isinstance(answer, dict)] if isinstance(found, list) else []
            )
            row = {
                "id": question.get("id"),
                "title": article.get("title"),
                "context": paragraph.get("context"),
                "question": question.get("question"),
                "answers": {
                    "text": [answer.get("text") for answer in answers],
                    "answer_start": [answer.get("answer_start") for answer in answers],
                },
                "is_impossible": question.get("is_impossible"),
            }
            yield {name: value for name, value in row.items() if value is not None}


def _listed(path: Path, line: int, holder: object, name: str) -> list[Any]:
    found = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(found, list):
        raise _none(path, line, "paragraph" if name == "qas" else "article")
    return found


def _none(path: Path, line: int, kind: str) -> Refusal:
    return Refusal(
        "dataset_format",
        f"The {kind} is not as SQuAD has it.",
        where=f"{path}:{line}",
        why="An article has a list `paragraphs`, each of them a `context` and a list `qas` with questions.",
        do="Mend it, or write the questions as rows of a .jsonl file.",
    )
