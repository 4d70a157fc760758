"""Real environments, seen through cameras."""
