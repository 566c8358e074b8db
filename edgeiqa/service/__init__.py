"""`edgeiqa live` as a systemd service: unit, state and notifications."""
