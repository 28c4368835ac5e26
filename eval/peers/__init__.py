"""Sourcebook beside its peers: one run, one corpus, one model, one machine."""
