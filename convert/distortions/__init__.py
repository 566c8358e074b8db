"""The distortions behind :mod:`convert.distort`, one file per part of the camera."""
