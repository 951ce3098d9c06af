"""What does the work of OpenLoRA: recipes, events, runs, the engine process and its workers."""

__version__ = "0.1.0"
