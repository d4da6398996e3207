"""The operations, cut to the part of the graph that the call's caller may make it in."""
