"""From what a recipe's `data` names to files: paths, globs, folders, datasets of the hub, saved ones."""
