"""Destinations of live results: lines, video, browser preview, saved frames, MQTT."""
