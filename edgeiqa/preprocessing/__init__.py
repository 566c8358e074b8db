"""Converts frames to input tensors, bit for bit as specified."""
