"""Small programs that the doctor starts; each prints one JSON object, and heavy packages are theirs alone."""
