"""Which rows make a step, how they are cut, and how they become tensors."""
