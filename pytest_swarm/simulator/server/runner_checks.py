"""What the model's process refuses: images for a text model, options out of range, schemas without a grammar."""

from __future__ import annotations

from pytest_swarm.simulator.server.request_error import runner_error
from pytest_swarm.simulator.server.request_parsing import ParsedRequest
from pytest_swarm.simulator.server.schema_check import schema_fault


def check_by_runner(parsed: ParsedRequest) -> None:
    """Raise RequestError 400 for a request that the model's process refuses."""
    if parsed.has_images:
        raise runner_error(
            "Multimodal data provided, but model does not support multimodal requests.", in_stream=parsed.stream
        )
    if parsed.whole_option("repeat_last_n", 0) < 0:
        raise runner_error("Field 'repeat_last_n' must be at least 0", in_stream=parsed.stream)
    penalty = parsed.options.get("repeat_penalty")
    if isinstance(penalty, int | float) and penalty <= 0:
        raise runner_error("Field 'repeat_penalty' must be greater than 0", in_stream=parsed.stream)
    schema, _ = parsed.json_format
    fault = schema_fault(schema)
    if fault is not None:
        raise runner_error(fault, in_stream=parsed.stream)
