"""Accepting or rejecting a picture, once or in a stream."""
