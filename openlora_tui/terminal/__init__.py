"""The terminal itself: what it can show, what comes from it, what goes to it, and how it is given back."""
