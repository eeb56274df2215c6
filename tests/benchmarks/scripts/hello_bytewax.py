"""hello.py for bytewax: python -m bytewax.run hello_bytewax:flow."""

from __future__ import annotations

import bytewax.operators as op
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSource

flow = Dataflow("hello")
op.output("output", op.input("elements", flow, TestingSource(["Hello World"])), StdOutSink())
