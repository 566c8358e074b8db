"""Names of the causes of bad quality: a public contract, in the order of reports."""

from __future__ import annotations

CAUSES = ("blur", "noise", "dark", "bright", "compression", "low_contrast")
"""Keys of `Quality.causes`, whose values are severities 0-1; blur covers defocus and motion."""
