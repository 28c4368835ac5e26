"""Measures the very engine that serves the askers."""
