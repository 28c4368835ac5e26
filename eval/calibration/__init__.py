"""Fitting the calibration of an encoder from judged questions."""
