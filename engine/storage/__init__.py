"""What lies on the disk of a home and of the hub's cache, and what of it can go."""
