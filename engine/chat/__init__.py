"""Talking to a model: what is said (`spoken`), whom to (`target`), the prompt, the answers (`serve`).

Only `serve` and `voices` import torch; they run in a worker process.
"""
