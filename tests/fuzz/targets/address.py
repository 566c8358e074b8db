"""Addresses of streams: no password may be shown, whatever stands around it."""

from __future__ import annotations

import os

from edgeiqa.urls import with_environment, without_password
from tests.fuzz.draw import Draw
from tests.fuzz.target import DrawnTarget

SECRET = "Zq7sec"
ODD = ("", "/", "?", "#", ":", "@", "%", "&", "=", "é", "\udcff", "\n", "'", " ", "0", "${A}")


class Addresses(DrawnTarget):
    """`without_password` and `with_environment`."""

    name = "address"
    about = "addresses of streams with a password in the usual places, through `without_password`"
    length = 64

    def open(self) -> None:
        """Sets the variable that addresses may ask for."""
        os.environ["EDGEIQA_FUZZ"] = SECRET + "/@:"

    def run(self, data: bytes) -> str:
        """Hides a password."""
        draw = Draw(data)
        scheme = draw.choice(("rtsp", "http", "https", "RTSP", "rtsps", "a+b"))
        user = draw.choice(("user", "u%40x", "a.b", ""))
        port = draw.choice(("", ":554", ":0"))
        path = "".join(
            draw.choice((*ODD[:3], "a", "b/c", "x=1")) for _ in range(draw.integer(0, 4))
        )
        place = draw.integer(0, 2)
        if place == 0:
            password = SECRET + draw.choice(("", "%2F", "!", "1", "-._~", "$"))
            text = f"{scheme}://{user}:{password}@host{port}/{path}"
        elif place == 1:
            key = draw.choice(
                ("password", "pwd", "token", "auth", "Sig", "api_key", "camera_password")
            )
            text = f"{scheme}://host{port}/live?x=1&{key}={SECRET}{draw.choice(('', '&y=2', '#z'))}"
        else:
            text = f"{scheme}://{user}:${{EDGEIQA_FUZZ}}@host{port}/{path}"
            try:
                text = with_environment(text)
            except ValueError:
                return "ValueError"
        around = draw.choice(("{}", "cannot open {}: refused", "{} and {}", "'{}'"))
        shown = without_password(around.replace("{}", text))
        assert SECRET not in shown, shown
        junk = "".join(draw.choice((*ODD, "rtsp://", "a:b@", "pwd=")) for _ in range(12))
        without_password(junk)
        try:
            with_environment(junk)
        except ValueError:
            return "hidden; ValueError"
        return "hidden"
