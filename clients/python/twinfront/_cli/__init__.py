"""The commands of `twinfront` for people: thin programs on the client, in one module each.

A module has `EXAMPLES` for the help, `add_arguments(parser)`, and `run(options)`, which returns the exit code. They
need the extra `cli`, and are imported when they are asked for.
"""
