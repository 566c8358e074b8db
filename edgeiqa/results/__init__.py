"""Rows of results: written, read and described."""
