"""The optional writer and the checks that keep it to the evidence."""
