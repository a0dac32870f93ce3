"""The fields of each request with their Go types, as the server's decoder knows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STRING: Final = "string"
BOOL: Final = "bool"
INT: Final = "int"
FLOAT: Final = "float64"
MAP: Final = "map[string]interface {}"
FILES: Final = "map[string]string"
IMAGES: Final = "[]api.ImageData"
CALLS: Final = "[]api.ToolCall"
FUNCTION: Final = "api.ToolCallFunction"
ORDERED_MAP: Final = "api.ToolPropertiesMap"
PROPERTY: Final = "api.ToolProperty"
PROPERTY_TYPE: Final = "api.PropertyType"
MESSAGES: Final = "[]api.Message"
BLOCK_MESSAGES: Final = "[]anthropic.MessageParam"
KEEP_ALIVE: Final = "api.Duration"
THINK: Final = "api.ThinkValue"
_COMMON: Final = {
    "model": STRING,
    "stream": BOOL,
    "raw": BOOL,
    "shift": BOOL,
    "truncate": BOOL,
    "logprobs": BOOL,
    "top_logprobs": INT,
    "options": MAP,
    "keep_alive": KEEP_ALIVE,
    "think": THINK,
}
_TRANSFER: Final = {
    "model": STRING,
    "name": STRING,
    "insecure": BOOL,
    "username": STRING,
    "password": STRING,
    "stream": BOOL,
}
ARGUMENTS: Final = "api.ToolCallFunctionArguments"
FLOAT32: Final = "float32"
_OPENAI: Final = {
    "model": STRING,
    "stream": BOOL,
    "stream_options": "openai.StreamOptions",
    "max_tokens": INT,
    "seed": INT,
    "temperature": FLOAT,
    "frequency_penalty": FLOAT,
    "presence_penalty": FLOAT,
    "top_p": FLOAT,
}
_PARAMETERS: Final = {"type": STRING, "required": "[]string", "properties": ORDERED_MAP}
ANY: Final = "any"
OWN_DECODERS: Final = (MESSAGES, BLOCK_MESSAGES, KEEP_ALIVE, THINK)
"""Types with a decoder of their own: its error ends the decoding, and so comes before that of any other field."""
FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ChatRequest": {**_COMMON, "messages": MESSAGES, "tools": "api.Tools"},
    "GenerateRequest": {
        **_COMMON,
        "prompt": STRING,
        "suffix": STRING,
        "system": STRING,
        "template": STRING,
        "context": "[]int",
        "images": IMAGES,
    },
    "ShowRequest": {"model": STRING, "name": STRING, "system": STRING, "verbose": BOOL, "options": MAP},
    "DeleteRequest": {"model": STRING, "name": STRING},
    "CopyRequest": {"source": STRING, "destination": STRING},
    "CreateRequest": {
        "model": STRING,
        "name": STRING,
        "from": STRING,
        "stream": BOOL,
        "quantize": STRING,
        "template": STRING,
        "system": STRING,
        "parameters": MAP,
        "messages": MESSAGES,
        "files": FILES,
        "adapters": FILES,
        "info": MAP,
    },
    "EmbedRequest": {"model": STRING, "truncate": BOOL, "options": MAP, "dimensions": INT},
    "EmbeddingRequest": {"model": STRING, "prompt": STRING, "options": MAP},
    "PullRequest": _TRANSFER,
    "PushRequest": _TRANSFER,
    "openai.ChatCompletionRequest": {
        **_OPENAI,
        "messages": "[]openai.Message",
        "response_format": "openai.ResponseFormat",
        "tools": "[]api.Tool",
        "reasoning_effort": STRING,
        "reasoning": "openai.Reasoning",
        "logprobs": BOOL,
        "top_logprobs": INT,
    },
    "openai.CompletionRequest": {
        **{name: FLOAT32 if kind == FLOAT else kind for name, kind in _OPENAI.items()},
        "prompt": STRING,
        "suffix": STRING,
        "logprobs": INT,
    },
    "openai.ResponsesRequest": {
        "model": STRING,
        "background": BOOL,
        "include": "[]string",
        "input": ANY,
        "instructions": STRING,
        "max_output_tokens": INT,
        "reasoning": "openai.ResponsesReasoning",
        "temperature": FLOAT,
        "text": "openai.ResponsesText",
        "top_p": FLOAT,
        "truncation": STRING,
        "tools": "[]openai.ResponsesTool",
        "stream": BOOL,
    },
    "openai.EmbedRequest": {"model": STRING, "dimensions": INT, "encoding_format": STRING},
    "anthropic.MessagesRequest": {
        "model": STRING,
        "max_tokens": INT,
        "messages": BLOCK_MESSAGES,
        "stream": BOOL,
        "temperature": FLOAT,
        "top_p": FLOAT,
        "top_k": INT,
        "stop_sequences": "[]string",
        "tools": "[]anthropic.Tool",
        "tool_choice": "anthropic.ToolChoice",
        "thinking": "anthropic.ThinkingConfig",
        "metadata": "anthropic.Metadata",
        "output_config": "anthropic.OutputConfig",
    },
    "ToolFunctionParameters": _PARAMETERS,
}
PYTHON_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    STRING: str,
    BOOL: bool,
    INT: (int, float),
    FLOAT: (int, float),
    FLOAT32: (int, float),
    MAP: dict,
    FILES: dict,
    FUNCTION: dict,
    ORDERED_MAP: dict,
    PROPERTY: dict,
    "api.Tool": dict,
    "api.ToolFunction": dict,
    "api.ToolFunctionParameters": dict,
    "openai.StreamOptions": dict,
    "openai.ResponseFormat": dict,
    "openai.Reasoning": dict,
    "openai.ResponsesReasoning": dict,
    "openai.ResponsesText": dict,
    "openai.JsonSchema": dict,
    ARGUMENTS: dict,
    "anthropic.Tool": dict,
    "anthropic.ToolChoice": dict,
    "anthropic.ThinkingConfig": dict,
    "anthropic.Metadata": dict,
    "anthropic.OutputConfig": dict,
    "anthropic.ImageSource": dict,
}
ITEM_TYPES: Final = {
    "[]int": INT,
    "[]string": STRING,
    "api.Tools": "api.Tool",
    "[]api.Tool": "api.Tool",
    CALLS: "api.ToolCall",
    "[]openai.Message": "openai.Message",
    "[]openai.ResponsesTool": "openai.ResponsesTool",
    "[]anthropic.Tool": "anthropic.Tool",
    "[]anthropic.ContentBlock": "anthropic.ContentBlock",
}
CHECKED_ITEMS: Final = frozenset({"[]int", "[]string", "api.Tools", "[]api.Tool", "[]anthropic.Tool"})
"""Lists whose items are checked like fields, with the types inside them."""
MAP_TYPES: Final = {FILES: STRING, ORDERED_MAP: PROPERTY}
STRUCT_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "api.Tool": {"type": STRING, "function": "api.ToolFunction"},
    "api.ToolFunction": {"name": STRING, "description": STRING, "parameters": "api.ToolFunctionParameters"},
    "api.ToolFunctionParameters": _PARAMETERS,
    PROPERTY: {"type": PROPERTY_TYPE, "description": STRING, "enum": "[]interface {}"},
    "openai.StreamOptions": {"include_usage": BOOL},
    "openai.ResponseFormat": {"type": STRING, "json_schema": "openai.JsonSchema"},
    "anthropic.Tool": {"type": STRING, "name": STRING, "description": STRING, "max_uses": INT},
    "anthropic.ToolChoice": {"type": STRING, "name": STRING, "disable_parallel_tool_use": BOOL},
    "anthropic.ThinkingConfig": {"type": STRING, "budget_tokens": INT},
    "anthropic.Metadata": {"user_id": STRING},
    "anthropic.OutputConfig": {"effort": STRING},
}
"""The fields of objects inside a request; an error names the object, and the path to it."""
MESSAGE_FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("role", "content", "thinking", "tool_name", "tool_call_id"), STRING),
    "images": IMAGES,
    "tool_calls": CALLS,
}
BLOCK_FIELDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("type", "text", "id", "name", "tool_use_id", "thinking", "signature"), STRING),
    "source": "anthropic.ImageSource",
    "input": ARGUMENTS,
    "is_error": BOOL,
}
