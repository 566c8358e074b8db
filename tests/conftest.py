"""Settings for all tests."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# A shared machine can take seconds over a first import; time is never what is tested.
settings.register_profile("edgeiqa", deadline=None)
settings.load_profile("edgeiqa")

# Where the tests were started in the background or under nohup, SIGINT is ignored, and so it would
# be by every command that they start.
for _name in ("SIGINT", "SIGHUP"):
    if hasattr(signal, _name) and signal.getsignal(getattr(signal, _name)) is signal.SIG_IGN:
        _usual = signal.default_int_handler if _name == "SIGINT" else signal.SIG_DFL
        signal.signal(getattr(signal, _name), _usual)

# The configuration of whoever runs the tests is none of theirs.
os.environ["EDGEIQA_CONFIG"] = ""
