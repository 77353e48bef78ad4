"""The network as a graph of operations, and recorded forward passes over it.

`tracing` follows a network's code and remembers the graph, `in_place` sees what is changed in place, `execution` runs
the graph operation by operation, and `agreement` compares what it gives with the network's own answer.
"""

from vis.trace.execution import (
    Reads,
    Recording,
    apply,
    check_finite,
    execute,
    is_max_pool,
    last_uses,
    max_pool_parameters,
    parameter,
    record_onto,
    saying_where,
)
from vis.trace.nodes import MAX_POOLS, Trace, argument, operation, source
from vis.trace.recording import check_shape, nothing, record, record_above, record_differentiable, stream
from vis.trace.refusals import RAISED, TraceRefused, first_line
from vis.trace.tracing import CANNOT, CANNOT_GO_ON, traced
from vis.trace.twins import copied, twin_of, without_numbers

__all__ = [
    "CANNOT",
    "CANNOT_GO_ON",
    "MAX_POOLS",
    "RAISED",
    "Reads",
    "Recording",
    "Trace",
    "TraceRefused",
    "apply",
    "argument",
    "check_finite",
    "check_shape",
    "copied",
    "execute",
    "first_line",
    "is_max_pool",
    "last_uses",
    "max_pool_parameters",
    "nothing",
    "operation",
    "parameter",
    "record",
    "record_above",
    "record_differentiable",
    "record_onto",
    "saying_where",
    "source",
    "stream",
    "traced",
    "twin_of",
    "without_numbers",
]
