"""What the commands read: one folder per command with its YAML file, and ``shared`` for the groups of several."""
