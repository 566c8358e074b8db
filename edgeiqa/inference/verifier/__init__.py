"""Looks through a .tflite that may come from anybody, before LiteRT's C++ gets to see it."""
