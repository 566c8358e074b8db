"""How frames come to a `LiveScorer`: three modes, as in MediaPipe Tasks (`running_mode`).

| mode | call | frames | timestamps | smoothing and hysteresis |
| --- | --- | --- | --- | --- |
| `Mode.IMAGE` | `score` | each for itself | not needed | no |
| `Mode.VIDEO` | `score` | every one, one after the other | must rise | yes |
| `Mode.LIVE` | `submit` | the newest wins, others are dropped | must rise | yes |
"""

from __future__ import annotations

import enum


class Mode(enum.Enum):
    """How frames come; see the module."""

    IMAGE = "image"
    VIDEO = "video"
    LIVE = "live"
