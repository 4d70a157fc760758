"""Files and folders that survive kills: complete or absent, locked while written, with checksums."""
