"""Asking questions of a subject and scoring what comes back."""
