"""Applies a mapping to the rows of a file."""
