"""Requests and responses as JSON, over HTTP and on the command line."""
