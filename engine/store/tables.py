"""The tables of the index. The engine is their only user."""

from __future__ import annotations

from peewee import (
    BlobField,
    BooleanField,
    CharField,
    CompositeKey,
    DatabaseProxy,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)

SCHEMA = 7
"""Another number in the file means: rebuild it."""

database = DatabaseProxy()


class Table(Model):
    """What all tables share: the database that the store opened."""

    class Meta:
        """Peewee's settings."""

        database = database


class Run(Table):
    """One run, with what a list shows of it as MessagePack, and how many bytes of its events are indexed."""

    run = CharField(primary_key=True)
    number = IntegerField(index=True)
    name = TextField()
    status = CharField(index=True)
    model = TextField()
    created = FloatField()
    updated = FloatField()
    loss = FloatField(null=True)
    predicted_memory = IntegerField(default=0)
    peak_memory = IntegerField(default=0)
    offset = IntegerField()
    row = BlobField()


class State(Table):
    """The RunState of a run, apart so that a list of runs never reads it."""

    run = ForeignKeyField(Run, primary_key=True, on_delete="CASCADE")
    state = BlobField()


class Finding(Table):
    """What was found about a run; `body` is the finding as JSON."""

    run = ForeignKeyField(Run, backref="findings", on_delete="CASCADE")
    category = CharField(index=True)
    severity = CharField()
    title = TextField()
    step = IntegerField(null=True)
    body = BlobField()


class Artifact(Table):
    """What a run left on disk: its checkpoint and its adapter."""

    run = ForeignKeyField(Run, backref="artifacts", on_delete="CASCADE")
    kind = CharField()
    path = TextField()
    step = IntegerField(null=True)
    bytes = IntegerField(null=True)

    class Meta:
        """Peewee's settings."""

        primary_key = CompositeKey("run", "kind")


class Lineage(Table):
    """Which run came from which."""

    child = CharField(primary_key=True)
    parent = CharField(index=True)


class Lesson(Table):
    """What a run taught, as JSON; of a deleted one the line of `deleted.jsonl`."""

    run = CharField(primary_key=True)
    offset = IntegerField(null=True)
    """The run's own when this was written; None where the run is not here."""
    created = FloatField(default=0.0)
    forgotten = BooleanField(default=False)
    body = BlobField()

    class Meta:
        """Peewee's settings; the indexes spare a walk through all bodies."""

        indexes = ((("forgotten", "created", "run"), False), (("run", "offset"), False))


TABLES = (Run, State, Finding, Artifact, Lineage, Lesson)
