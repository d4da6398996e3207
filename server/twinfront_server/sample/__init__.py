"""The sample building: an office house with its models, for whoever wants to try twinfront on something.

`models/` has one DTDL interface a file, `building.ndjson` the graph in the import format of Azure Digital Twins.
"""

from twinfront_server.sample.building import SampleReport, load_sample

__all__ = ["SampleReport", "load_sample"]
