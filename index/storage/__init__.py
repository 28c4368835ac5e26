"""The SQLite database of a library, and the values that it holds."""
