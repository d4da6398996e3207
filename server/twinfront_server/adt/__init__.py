"""The JSON that Azure Digital Twins speaks, and nothing of gRPC or HTTP.

`wire` makes it of messages and messages of it; `upstream` sends it and brings back what is answered.
"""
