"""Verifies an untrusted .tflite before LiteRT's C++ reads it."""
