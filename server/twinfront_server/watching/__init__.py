"""Watching the graph: what a watch tells, in which order, and from where it goes on."""
