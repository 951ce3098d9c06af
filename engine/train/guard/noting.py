"""Writes down how a run draws its rows, so that what a step ate can be told without drawing them again."""

from __future__ import annotations

from engine.eaten.record import Record, Stretch, read, write
from engine.train.session import Session


def note_rows(session: Session) -> None:
    """Note where this worker goes on; where the disk refuses, only the telling is lost."""
    if session.machine.rank != 0:
        return
    job, feed, at = session.job, session.feed, session.position
    record = Record(
        seed=session.recipe.seed,
        rows=feed.rows,
        data=session.data_digest,
        day=session.day,
        max_length=session.recipe.max_length,
        tokenizer=str(session.tokenizer.folder),
        shelf=str(job.tokens) if job.tokens is not None else None,
    )
    before = read(job.folder)
    record.stretches = before.stretches if before is not None else []
    record.go_on(Stretch(session.step, at.epoch, at.seen, feed.batch))
    try:
        write(job.folder, record)
    except OSError as error:
        session.journal.log(f"what its steps eat could not be written down: {error}", "warning")
