"""A few figures that somebody pasted: too short for the rules that watch a whole curve."""
