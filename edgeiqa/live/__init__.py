"""Scoring a stream of frames as they come."""
