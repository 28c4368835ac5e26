"""Judged questions and corpora, from files of several formats."""
