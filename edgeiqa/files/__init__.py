"""Files: written whole or not at all, appended to, moved, locked."""
