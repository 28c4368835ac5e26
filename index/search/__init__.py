"""The dense and the lexical index, which are derived from the database, and their results."""
