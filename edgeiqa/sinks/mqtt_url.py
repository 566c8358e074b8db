"""Where verdicts go: `mqtt://[user[:password]@]host[:port]/topic`, and with what password."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from edgeiqa.errors import MissingVariableError
from edgeiqa.urls import with_environment, without_password

PASSWORD_VARIABLE = "EDGEIQA_MQTT_PASSWORD"
"""Environment variable with the password."""

CREDENTIAL = "mqtt-password"
"""Name of the file in $CREDENTIALS_DIRECTORY, which systemd fills (`LoadCredential=`)."""

PORTS = {"mqtt": 1883, "mqtts": 8883}

_EXAMPLE = "such as mqtt://edgeiqa@broker.local/camera/door"


@dataclass(frozen=True)
class Broker:
    """An MQTT broker and the topic to publish on.

    Attributes:
        host: Name or address, without brackets.
        port: 1-65535.
        topic: That of the verdicts, without wildcards; `topic/status` and `topic/event` lie
            below it.
        tls: Whether the connection is encrypted and the certificate checked.
        user: None for nobody.
        password: None for none; never in `repr`.
        exposed: Whether the password stood in the address itself, where `ps` shows it.
    """

    host: str
    port: int
    topic: str
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    exposed: bool = False

    @property
    def name(self) -> str:
        """For people: scheme, host and port, without user, password and topic."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_broker(url: str, environ: Mapping[str, str] | None = None) -> Broker:
    """Reads an address.

    The password is looked for in the address, where ${NAME} stands for an environment variable,
    then in $EDGEIQA_MQTT_PASSWORD, then in the file `mqtt-password` of $CREDENTIALS_DIRECTORY.

    Args:
        url: `mqtt://` or, with TLS, `mqtts://`; user, password and topic percent-encoded.
        environ: Instead of the environment of the process.

    Raises:
        ValueError: No such address; the text names it without its password.
        OSError: The file with the password cannot be read.
    """
    environ = os.environ if environ is None else environ
    shown = without_password(url)
    try:
        parts = urlsplit(with_environment(url))
        host, port = parts.hostname, parts.port
        if host is not None:
            host.encode("idna")
    except UnicodeError as error:
        raise ValueError(f"{shown}: no name of a host") from error
    except MissingVariableError:
        raise
    except ValueError as error:
        raise ValueError(f"{shown}: {error}") from error
    if parts.scheme not in PORTS:
        raise ValueError(f"{shown}: expected mqtt:// or mqtts://, {_EXAMPLE}")
    if not host or port == 0:
        raise ValueError(f"{shown}: no host or no port that can be, {_EXAMPLE}")
    if "#" in url or "?" in url:  # urlsplit forgets an empty one.
        raise ValueError(f"{shown}: a topic cannot have a ? or #, unless as %3F")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password is not None else None
    if password is not None and user is None:
        raise ValueError(f"{shown}: a password without a user")
    exposed = password is not None and "${" not in url
    if user is not None and password is None:
        password = _password(environ)
    topic = checked_topic(unquote(parts.path)[1:], shown)
    tls = parts.scheme == "mqtts"
    return Broker(host, port or PORTS[parts.scheme], topic, tls, user, password, exposed)


def checked_topic(topic: str, shown: str) -> str:
    """The topic, if verdicts can be published there.

    Raises:
        ValueError: Empty, with a wildcard or NUL, or too long.
    """
    if not topic.strip("/"):
        raise ValueError(f"{shown}: the topic is missing, {_EXAMPLE}")
    if any(sign in topic for sign in "+#\0"):
        raise ValueError(f"{shown}: nobody can publish on a topic with +, # or NUL")
    if topic.endswith("/") or topic.startswith(("/", "$")):
        raise ValueError(f"{shown}: the topic begins with / or $ or ends with /, {_EXAMPLE}")
    if len(topic.encode()) > 60_000:
        raise ValueError(f"{shown[:60]}...: the topic is too long")
    return topic


def _password(environ: Mapping[str, str]) -> str | None:
    if PASSWORD_VARIABLE in environ:
        return environ[PASSWORD_VARIABLE]
    folder = environ.get("CREDENTIALS_DIRECTORY")
    if folder is None:
        return None
    try:
        with open(os.path.join(folder, CREDENTIAL), encoding="utf-8") as stream:
            return stream.read().rstrip("\r\n")
    except FileNotFoundError:
        return None
