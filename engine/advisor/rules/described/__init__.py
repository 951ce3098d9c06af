"""What a person says of a run in plain words, read by mechanism: what was seen, and in which phase."""
