"""How gradients change weights, and at which rate."""
