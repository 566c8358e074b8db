"""Addresses of brokers, and where their passwords come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeiqa.sinks.mqtt_url import Broker, parse_broker


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker/a/b", Broker("broker", 1883, "a/b")),
        ("mqtts://broker.local/a", Broker("broker.local", 8883, "a", tls=True)),
        ("mqtt://10.0.0.2:1884/t", Broker("10.0.0.2", 1884, "t")),
        ("mqtt://[::1]:1884/t", Broker("::1", 1884, "t")),
        ("mqtt://pi@broker/my%20door", Broker("broker", 1883, "my door", user="pi")),
        ("MQTT://Broker/T%2Fü", Broker("broker", 1883, "T/ü")),
        (
            "mqtt://p%40i:a%2Fb%3A@broker/t",
            Broker("broker", 1883, "t", user="p@i", password="a/b:", exposed=True),
        ),
    ],
)
def test_addresses(url: str, expected: Broker) -> None:
    assert parse_broker(url, {}) == expected


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("broker/t", "expected mqtt://"),
        ("http://broker/t", "expected mqtt:// or mqtts://"),
        ("mqtt://broker", "the topic is missing"),
        ("mqtt://broker/", "the topic is missing"),
        ("mqtt:///t", "a host and a port"),
        ("mqtt://broker:0/t", "a host and a port"),
        ("mqtt://broker:65536/t", "Port out of range"),
        ("mqtt://broker:x/t", "Port could not be cast"),
        ("mqtt://broker/a/#", "cannot contain"),
        ("mqtt://broker/a%23", "cannot contain"),
        ("mqtt://broker/+/a", "cannot contain"),
        ("mqtt://broker/a?b", "cannot contain"),
        ("mqtt://broker/a/", "starts with"),
        ("mqtt://broker//a", "starts with"),
        ("mqtt://broker/$SYS/a", "starts with"),
        ("mqtt://:secret@broker/t", "a password without a user"),
        (f"mqtt://{'x' * 70}.local/t", "host name"),
        ("mqtt://[::1/t", "Invalid IPv6"),
        ("mqtt://pi:${NO_SUCH_VARIABLE}@broker/t", "'NO_SUCH_VARIABLE'"),
        ("mqtt://broker/" + "x" * 60_001, "too long"),
    ],
)
def test_an_invalid_url_is_refused_without_showing_its_password(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_broker(url, {})
    assert "secret" not in str(caught.value)


def test_a_password_comes_from_where_ps_does_not_see_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mqtt-password").write_text("of the file\n")
    places = {"CREDENTIALS_DIRECTORY": str(tmp_path), "EDGEIQA_MQTT_PASSWORD": "of the variable"}
    monkeypatch.setenv("DOOR_PASSWORD", "p:@/ %41")
    named = parse_broker("mqtt://pi:${DOOR_PASSWORD}@broker/t", places)
    assert (named.password, named.exposed) == ("p:@/ %41", False)
    assert parse_broker("mqtt://pi:x@broker/t", places).password == "x"
    assert parse_broker("mqtt://pi@broker/t", places).password == "of the variable"
    del places["EDGEIQA_MQTT_PASSWORD"]
    assert parse_broker("mqtt://pi@broker/t", places).password == "of the file"
    assert parse_broker("mqtt://broker/t", places).password is None
    (tmp_path / "mqtt-password").unlink()
    assert parse_broker("mqtt://pi@broker/t", places).password is None


def test_the_password_is_not_shown() -> None:
    broker = parse_broker("mqtts://pi:hush@[::1]/t", {})
    assert "hush" not in repr(broker)
    assert broker.name == "mqtts://[::1]:8883"
