"""What goes in and out as JSON, over HTTP and on the command line."""
