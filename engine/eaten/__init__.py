"""What a step of a run was taught with, told afterwards and without torch."""
