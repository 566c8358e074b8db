"""`edgeiqa live` as a systemd service: its unit, its state, and its notifications."""
