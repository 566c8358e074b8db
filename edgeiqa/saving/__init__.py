"""Accepted frames as JPEG files in a folder with a quota."""
