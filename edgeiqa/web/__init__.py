"""The browser page: what it consists of, and a server for it."""
