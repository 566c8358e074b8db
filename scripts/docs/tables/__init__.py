"""Figures of README.md, docs and model cards, written from reports so that none is typed."""
