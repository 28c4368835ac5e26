"""The HTTP server: addresses, errors and limits around one engine."""
