"""Ground: what an operator may set, as plain data."""
