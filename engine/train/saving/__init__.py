"""Checkpoints, the adapter, and the room for them."""
