"""Whole photo libraries: many processes, a journal that a run takes up again, bounded memory."""
