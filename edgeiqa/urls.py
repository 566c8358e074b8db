"""Stream addresses: passwords are taken from the environment and hidden in messages."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from edgeiqa.errors import MissingVariableError

HIDDEN = "***"

_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<rest>[^\s'\"]*)")
_SECRET = re.compile(
    r"(?P<key>[?&](?:[a-z0-9_.-]*(?:password|passwd|pwd|token|secret|signature|apikey|api_key)|"
    r"pass|auth|key|sig)=)[^&#]*",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


def without_password(text: str) -> str:
    """Hides the passwords of all addresses in a text.

    Hidden are passwords before an "@" and, in a query, the values of names such as "password",
    "pwd" and "token". Text without a password is returned unchanged.
    """
    return _ADDRESS.sub(_hide, text)


def _hide(found: re.Match[str]) -> str:
    rest = _SECRET.sub(rf"\g<key>{HIDDEN}", found["rest"])
    end = len(re.split(r"[/?#]", rest, maxsplit=1)[0])
    at = rest.rfind("@", 0, end)
    colon = rest.find(":")
    if at < 0 and 0 <= colon < end and not rest[colon + 1 : end].isdigit():
        # No port follows the colon, so it is a password with a "/", "?" or "#" in it that
        # should have been written %2F, %3F or %23.
        at = rest.rfind("@")
    if at < 0 or not 0 <= colon < at:
        return found["scheme"] + rest
    return f"{found['scheme']}{rest[: colon + 1]}{HIDDEN}{rest[at:]}"


def with_environment(address: str) -> str:
    """Replaces each ${NAME} in an address by the environment variable of that name.

    This keeps passwords off the command line, which every user of the machine can read. Values
    are percent-encoded, since passwords may contain any character.

    Raises:
        MissingVariableError: No variable of that name is set; a ValueError.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in os.environ:
            raise MissingVariableError(
                f"{without_password(address)} refers to the environment variable {name!r}, "
                "which is not set"
            )
        return quote(os.environ[name], safe="")

    return _VARIABLE.sub(value, address)
