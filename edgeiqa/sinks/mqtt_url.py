"""Broker URLs, `mqtt://[user[:password]@]host[:port]/topic`, and sources of the password."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from edgeiqa.urls import with_environment, without_password

PASSWORD_VARIABLE = "EDGEIQA_MQTT_PASSWORD"
"""Environment variable holding the password."""

CREDENTIAL = "mqtt-password"
"""File name in $CREDENTIALS_DIRECTORY, which systemd fills (`LoadCredential=`)."""

PORTS = {"mqtt": 1883, "mqtts": 8883}

_EXAMPLE = "such as mqtt://edgeiqa@broker.local/camera/door"


@dataclass(frozen=True)
class Broker:
    """An MQTT broker and the topic to publish on.

    Attributes:
        host: Name or address, without brackets.
        port: 1-65535.
        topic: Of the verdicts, without wildcards, with `topic/status` and `topic/event` below.
        tls: Whether the connection is encrypted and the certificate checked.
        user: None for no login.
        password: None for none; never in `repr`.
        exposed: Whether the password was in the URL itself, where `ps` shows it.
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
        """Scheme, host and port, without user, password and topic."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


def parse_broker(url: str, environ: Mapping[str, str] | None = None) -> Broker:
    """Parses a broker URL and finds its password.

    The password is taken from the URL, where ${NAME} stands for an environment variable, else
    from $EDGEIQA_MQTT_PASSWORD, else from the file `mqtt-password` in $CREDENTIALS_DIRECTORY.

    Args:
        url: `mqtt://` or, with TLS, `mqtts://`; user, password and topic percent-encoded.
        environ: Replaces the environment of the process.

    Raises:
        ValueError: An invalid URL; the text shows it without its password.
        OSError: The password file cannot be read.
    """
    environ = os.environ if environ is None else environ
    shown = without_password(url)
    expanded = with_environment(url)
    try:
        parts = urlsplit(expanded)
        host, port = parts.hostname, parts.port
        if host is not None:
            host.encode("idna")
    except UnicodeError as error:
        raise ValueError(f"{shown}: invalid host name") from error
    except ValueError as error:
        raise ValueError(f"{shown}: {error}") from error
    if parts.scheme not in PORTS:
        raise ValueError(f"{shown}: expected mqtt:// or mqtts://, {_EXAMPLE}")
    if not host or port == 0:
        raise ValueError(f"{shown}: expected a host and a port from 1 to 65535, {_EXAMPLE}")
    if "#" in url or "?" in url:  # urlsplit drops empty ones.
        raise ValueError(f"{shown}: a topic cannot contain ? or #; write ? as %3F")
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
    """Returns the topic; ValueError if it is empty, too long, or has a wildcard or NUL."""
    if not topic.strip("/"):
        raise ValueError(f"{shown}: the topic is missing, {_EXAMPLE}")
    if any(sign in topic for sign in "+#\0"):
        raise ValueError(f"{shown}: a topic to publish on cannot contain +, # or NUL")
    if topic.endswith("/") or topic.startswith(("/", "$")):
        raise ValueError(f"{shown}: the topic starts with / or $ or ends with /, {_EXAMPLE}")
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
