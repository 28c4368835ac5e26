"""Evaluation: measures the same engine that users get."""
