"""The peak of a run's memory by running its very step on tensors without content; only for workers."""
