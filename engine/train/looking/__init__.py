"""How the model does between two steps: held-out loss and samples."""
