"""Holds what `twinfront serve` and `localtwins serve` are as programs: settings, addresses, event loop, the log.

It lies below both packages and knows neither.
"""
