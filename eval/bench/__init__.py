"""How fast and how large a library is, measured on real processes."""
