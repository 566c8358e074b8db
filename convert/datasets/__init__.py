"""Databases: each in its authors' own layout, read into one manifest."""
