"""Models from the hub: what a model needs, what is here already, and how the rest comes."""
