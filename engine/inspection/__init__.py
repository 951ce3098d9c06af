"""What is known of data once it has been looked at: light enough for every front end."""
