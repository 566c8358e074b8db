"""What can spoil a picture: the names that are a contract, in the order in which they are told."""

from __future__ import annotations

CAUSES = ("blur", "noise", "dark", "bright", "compression", "low_contrast")
"""Names of the severities 0-1 in `Quality.causes`; blur is defocus and motion alike."""
