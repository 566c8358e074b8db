"""Model files and the networks they contain."""
