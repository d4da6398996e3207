"""Runs twinfront elsewhere: an image, a chart, units, and the audit of what is delivered."""
