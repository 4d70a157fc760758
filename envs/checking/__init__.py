"""Checks of Gymnasium's contract for vector environments."""
