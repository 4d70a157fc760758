"""One file per command; ``run`` takes the composed configuration."""
