"""What happens when memory runs out."""
