"""What is watched in every step."""
