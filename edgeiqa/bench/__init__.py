"""Measures time and memory of scoring on this machine, by stage, against OpenCV baselines."""
