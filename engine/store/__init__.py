"""What is remembered of all runs: an SQLite index that can be rebuilt from the run directories."""

from engine.store.store import Store

__all__ = ["Store"]
