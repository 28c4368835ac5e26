"""The console script: the commands of the service, and those of evaluation."""
