"""Which texts are alike: the one part of `engine.data` that needs numpy, imported on use."""
