"""The console script, with the commands `eval` and `bench`."""
