"""Articles, passages and search: everything below the question."""
