"""Named chat templates, each as its makers publish it."""
