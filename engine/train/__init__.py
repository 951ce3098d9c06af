"""The training loop and what it stands on; imported only in worker processes."""
