"""`edgeiqa live` as a service of systemd: the unit, its state, and what it tells systemd."""
