"""Verdicts to an MQTT broker; needs the extra `mqtt` (paho-mqtt)."""
