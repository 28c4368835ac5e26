"""Word data of each language, and what the rules read from it: words, quantities, dates, types."""
