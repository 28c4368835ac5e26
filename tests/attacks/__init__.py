"""Attacks on a Sourcebook: what an enemy or bad luck would do to it."""
