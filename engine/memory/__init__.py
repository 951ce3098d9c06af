"""What a run takes in memory, by arithmetic alone: facts of popular models, parts by name, a formula."""
