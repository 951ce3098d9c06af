"""From files to rows: what a file is, how it is opened, and what its rows are."""
