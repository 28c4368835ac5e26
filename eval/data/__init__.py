"""Questions, gold and corpora, loaded from files of several formats."""
