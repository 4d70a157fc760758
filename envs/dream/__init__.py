"""Dreams of a world as Gymnasium environments."""
