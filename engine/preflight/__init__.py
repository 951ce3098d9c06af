"""Looks at a recipe before it is run: everything that would stop or spoil the run, as findings."""
