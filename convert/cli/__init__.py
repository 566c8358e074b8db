"""The arguments of each step."""
