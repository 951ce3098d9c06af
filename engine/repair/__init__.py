"""From a run that failed to one that may not: what to change, what is known of that, and the linked run."""
