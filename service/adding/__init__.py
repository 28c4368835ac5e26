"""Adding articles from files and folders, in the background where it takes long."""
