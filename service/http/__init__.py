"""The HTTP server: endpoints, errors and limits around an engine."""
