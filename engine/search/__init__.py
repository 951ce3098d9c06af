"""A small search for rate, rank and alpha: what is tried, what came of it, and who goes on."""
