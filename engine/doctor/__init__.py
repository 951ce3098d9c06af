"""What this machine can do: one short file for each group of things looked at, all of them light."""
