"""The headless twin: every act on a screen has a command, with the same words."""
