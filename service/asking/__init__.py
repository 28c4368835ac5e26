"""From a question to an answer: all that decides what is said, and nothing else."""
