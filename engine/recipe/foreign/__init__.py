"""Recipes of other trainers, made recipes of ours: every key accounted for, their defaults written out."""
