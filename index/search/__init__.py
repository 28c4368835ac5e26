"""The derived indexes, dense and lexical, and what they find."""
