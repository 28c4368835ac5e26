"""The truth of a library: one SQLite database, and the values that it holds."""
