"""Teachers, students and what they learn from."""
