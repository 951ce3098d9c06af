"""The engine: one process for each home that runs jobs, remembers runs and serves front ends."""
