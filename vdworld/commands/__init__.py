"""One file per command; ``run`` takes the composed configuration, and may return an exit code."""
