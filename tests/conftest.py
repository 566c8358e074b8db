"""Settings for all tests."""

from __future__ import annotations

from hypothesis import settings

# A shared machine can take seconds over a first import; time is never what is tested.
settings.register_profile("edgeiqa", deadline=None)
settings.load_profile("edgeiqa")
