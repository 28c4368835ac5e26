"""Measures, their statistics, and the spread of times; all pure functions."""
