"""Encoded rows on the disk, mapped into memory by every run and rank that reads the same files alike."""
