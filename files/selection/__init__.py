"""Which files something is done to, and what can be done to them."""
