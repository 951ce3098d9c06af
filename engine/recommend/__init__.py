"""A recipe for a dataset and a model, each value with its reason, its source and how sure it is."""
