"""How mail that comes back gets in."""
