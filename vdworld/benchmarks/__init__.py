"""Measurements: speed, cost and scaling, and comparisons of worlds, planners and policies."""
