"""Sourcebook compared with similar systems: same run, corpus, model and machine."""
