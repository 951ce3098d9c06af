"""Writes a new dataset from one that has flaws; the old one is never changed."""
