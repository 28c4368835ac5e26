"""The words of each language, and what is found with them: topics, quantities, dates, types."""
