"""From a question to an answer with citations, over HTTP and from the shell."""
