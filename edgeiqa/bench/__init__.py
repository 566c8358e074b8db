"""Measures what scoring costs on this machine, stage by stage, and beside what others use."""
