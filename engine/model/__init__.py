"""A model's folder, looked at without torch: what its configuration and the heads of its files say."""
