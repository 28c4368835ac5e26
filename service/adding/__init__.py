"""Adding articles from files and folders, in the background if it takes long."""
