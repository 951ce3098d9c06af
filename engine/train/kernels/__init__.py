"""Arithmetic that gives what the plain modules give, in less time and memory."""
