"""Model files, and the networks in them."""
