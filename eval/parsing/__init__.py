"""How truly articles are read from their files: measures, and the report docs/parsing.md."""
