"""Text as vectors: the model, its files, and how token vectors are stored."""
