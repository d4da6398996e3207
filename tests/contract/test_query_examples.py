"""The numbered examples of the query language's reference, over the reference's own graph."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from localtwins import dtdl
from localtwins.errors import AdtError

from ..unit.query.graph import Graph
