"""Evaluations over HTTP, as jobs in the background."""
