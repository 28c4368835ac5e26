"""From the bytes of a file to an article: decoded, cleaned, with its metadata."""
