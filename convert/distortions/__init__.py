"""The distortions behind :mod:`convert.distortions.distort`, one file per part of the camera."""
