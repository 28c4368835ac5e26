"""Turns the bytes of a file into articles: decoded, cleaned, with metadata."""
