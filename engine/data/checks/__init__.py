"""What can be wrong with rows: each check looks, counts, and says it as a finding."""
