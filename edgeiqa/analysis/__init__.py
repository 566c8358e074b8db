"""Causes of bad quality, and maps of quality over a picture."""
