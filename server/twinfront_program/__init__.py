"""Holds what `twinfront serve` and `localtwins serve` are as programs: settings, addresses, the command line, the log.

It lies below both packages and knows neither.
"""
