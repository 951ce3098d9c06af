"""What a person sees of OpenLoRA: the terminal app and its headless twin."""
