"""Real environments that come with the package or are registered by it."""
