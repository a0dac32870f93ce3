"""The fields of each request with their Go types, as the server's decoder knows them.

Pointers are left out: an error names the type that they lead to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

STRING: Final = "string"
ANY: Final = "any"
RAW: Final = "json.RawMessage"
BOOL: Final = "bool"
INT: Final = "int"
FLOAT: Final = "float64"
MAP: Final = "map[string]interface {}"
FILES: Final = "map[string]string"
IMAGE: Final = "api.ImageData"
IMAGES: Final = f"[]{IMAGE}"
CALLS: Final = "[]api.ToolCall"
FUNCTION: Final = "api.ToolCallFunction"
ORDERED_MAP: Final = "api.ToolPropertiesMap"
PROPERTY: Final = "api.ToolProperty"
PROPERTY_TYPE: Final = "api.PropertyType"
MESSAGE: Final = "api.Message"
MESSAGES: Final = f"[]{MESSAGE}"
BLOCK_MESSAGES: Final = "[]anthropic.MessageParam"
KEEP_ALIVE: Final = "api.Duration"
THINK: Final = "api.ThinkValue"
RESPONSES_INPUT: Final = "openai.ResponsesInput"
_COMMON: Final = {
    "model": STRING,
    **dict.fromkeys(("stream", "shift", "truncate"), BOOL),
    "format": RAW,
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
    "stop": ANY,
}
_PARAMETERS: Final = {"type": STRING, "$defs": ANY, "items": ANY, "required": "[]string", "properties": ORDERED_MAP}
LISTS: Final = (MESSAGES, BLOCK_MESSAGES)
"""Lists whose items have a decoder of their own."""
OWN_DECODERS: Final = (*LISTS, KEEP_ALIVE, THINK, RESPONSES_INPUT)
"""Types with a decoder of their own: its error ends the decoding, and so comes before that of any other field."""
FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ChatRequest": {**_COMMON, "messages": MESSAGES, "tools": "api.Tools"},
    "GenerateRequest": {
        **_COMMON,
        "raw": BOOL,
        "prompt": STRING,
        "suffix": STRING,
        "system": STRING,
        "template": STRING,
        "context": "[]int",
        "images": IMAGES,
    },
    "ShowRequest": {
        **dict.fromkeys(("model", "name", "system", "template"), STRING),
        "verbose": BOOL,
        "options": MAP,
    },
    "DeleteRequest": {"model": STRING, "name": STRING},
    "CopyRequest": {"source": STRING, "destination": STRING},
    "CreateRequest": {
        **dict.fromkeys(("model", "name", "from", "remote_host", "template", "system"), STRING),
        **dict.fromkeys(("quantize", "quantization", "draft_quantize", "renderer", "parser", "requires"), STRING),
        "stream": BOOL,
        "license": ANY,
        "parameters": MAP,
        "messages": MESSAGES,
        **dict.fromkeys(("files", "draft_files", "adapters"), FILES),
        "info": MAP,
    },
    "EmbedRequest": {
        "model": STRING,
        "input": ANY,
        "truncate": BOOL,
        "keep_alive": KEEP_ALIVE,
        "options": MAP,
        "dimensions": INT,
    },
    "EmbeddingRequest": {"model": STRING, "prompt": STRING, "keep_alive": KEEP_ALIVE, "options": MAP},
    "PullRequest": _TRANSFER,
    "PushRequest": _TRANSFER,
    "openai.ChatCompletionRequest": {
        **_OPENAI,
        **dict.fromkeys(("temperature", "frequency_penalty", "presence_penalty", "top_p"), FLOAT),
        "messages": "[]openai.Message",
        "response_format": "openai.ResponseFormat",
        "tools": "[]api.Tool",
        "reasoning_effort": STRING,
        "reasoning": "openai.Reasoning",
        "logprobs": BOOL,
        "top_logprobs": INT,
    },
    "openai.CompletionRequest": {
        **_OPENAI,
        **dict.fromkeys(("frequency_penalty", "presence_penalty", "top_p"), FLOAT32),
        "temperature": FLOAT32,
        "prompt": STRING,
        "suffix": STRING,
        "logprobs": INT,
    },
    "openai.ResponsesRequest": {
        "model": STRING,
        "background": BOOL,
        "conversation": RAW,
        "include": "[]string",
        "input": RESPONSES_INPUT,
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
    "openai.EmbedRequest": {"model": STRING, "input": ANY, "dimensions": INT, "encoding_format": STRING},
    "anthropic.MessagesRequest": {
        "model": STRING,
        "max_tokens": INT,
        "messages": BLOCK_MESSAGES,
        "system": ANY,
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
}
PYTHON_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    STRING: str,
    BOOL: bool,
    INT: (int, float),
    FLOAT: (int, float),
    FLOAT32: (int, float),
}
"""The types of JSON's plain values; all others are lists and objects."""
ITEM_TYPES: Final = {
    "[]int": INT,
    "[]string": STRING,
    "[]interface {}": ANY,
    "api.Tools": "api.Tool",
    IMAGES: IMAGE,
    **{
        f"[]{item}": item
        for item in (
            *(MESSAGE, "anthropic.MessageParam"),
            *("api.Tool", "api.ToolCall", PROPERTY, "openai.Message", "openai.ToolCall", "openai.ResponsesTool"),
            *("openai.ResponsesReasoningSummary", "anthropic.Tool", "anthropic.ContentBlock", "anthropic.Citation"),
        )
    },
}
MAP_TYPES: Final = {FILES: STRING, MAP: ANY, ORDERED_MAP: PROPERTY, ARGUMENTS: ANY}
_FUNCTION_TEXTS: Final = 'struct { Name string "json:\\"name\\""; Arguments string "json:\\"arguments\\"" }'
TYPE_AND_ROLE: Final = 'struct { Type string "json:\\"type\\""; Role string "json:\\"role\\"" }'
FUNCTION_OUTPUT: Final = "struct of a function_call_output"
TYPE_ONLY: Final = 'struct { Type string "json:\\"type\\"" }'
STRUCT_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    MESSAGE: {
        **dict.fromkeys(("role", "content", "thinking", "tool_name", "tool_call_id"), STRING),
        "images": IMAGES,
        "tool_calls": CALLS,
    },
    "anthropic.MessageParam": {"role": STRING, "content": "[]anthropic.ContentBlock"},
    "api.Tool": {"type": STRING, "items": ANY, "function": "api.ToolFunction"},
    "api.ToolFunction": {"name": STRING, "description": STRING, "parameters": "api.ToolFunctionParameters"},
    "api.ToolFunctionParameters": _PARAMETERS,
    PROPERTY: {
        "anyof": f"[]{PROPERTY}",
        "type": PROPERTY_TYPE,
        "items": ANY,
        "description": STRING,
        "enum": "[]interface {}",
        "properties": ORDERED_MAP,
        "required": "[]string",
    },
    "api.ToolCall": {"id": STRING, "function": FUNCTION},
    FUNCTION: {"index": INT, "name": STRING, "arguments": ARGUMENTS},
    "openai.StreamOptions": {"include_usage": BOOL},
    "openai.ResponseFormat": {"type": STRING, "json_schema": "openai.JsonSchema"},
    "openai.JsonSchema": {"schema": RAW},
    "openai.Reasoning": {"effort": STRING},
    "openai.Message": {
        **dict.fromkeys(("role", "reasoning", "name", "tool_call_id"), STRING),
        "content": ANY,
        "tool_calls": "[]openai.ToolCall",
    },
    "openai.ToolCall": {"id": STRING, "index": INT, "type": STRING, "function": _FUNCTION_TEXTS},
    _FUNCTION_TEXTS: {"name": STRING, "arguments": STRING},
    "openai.ResponsesReasoning": dict.fromkeys(("effort", "generate_summary", "summary"), STRING),
    "openai.ResponsesText": {"format": "openai.ResponsesTextFormat"},
    "openai.ResponsesTextFormat": {"type": STRING, "name": STRING, "strict": BOOL},
    "openai.ResponsesTool": {
        "type": STRING,
        "name": STRING,
        "description": STRING,
        "strict": BOOL,
        "parameters": MAP,
        "tools": "[]openai.ResponsesTool",
    },
    TYPE_AND_ROLE: {"type": STRING, "role": STRING},
    TYPE_ONLY: {"type": STRING},
    "openai.ResponsesFunctionCall": dict.fromkeys(("id", "type", "call_id", "name", "arguments"), STRING),
    FUNCTION_OUTPUT: {"type": STRING, "call_id": STRING},
    "openai.ResponsesReasoningInput": {
        **dict.fromkeys(("id", "type", "encrypted_content"), STRING),
        "summary": "[]openai.ResponsesReasoningSummary",
    },
    "openai.ResponsesReasoningSummary": {"type": STRING, "text": STRING},
    "openai.ResponsesWebSearchCall": {
        **dict.fromkeys(("id", "type", "status"), STRING),
        "action": "openai.ResponsesWebSearchAction",
    },
    "openai.ResponsesWebSearchAction": {"type": STRING, "query": STRING},
    "openai.ResponsesTextContent": {"type": STRING, "text": STRING},
    "openai.ResponsesOutputTextContent": {"type": STRING, "text": STRING},
    "openai.ResponsesImageContent": dict.fromkeys(("type", "detail", "file_id", "image_url"), STRING),
    "openai.ResponsesFileContent": dict.fromkeys(("type", "file_data", "file_id", "file_url", "filename"), STRING),
    "anthropic.Tool": {"type": STRING, "name": STRING, "description": STRING, "max_uses": INT},
    "anthropic.ToolChoice": {"type": STRING, "name": STRING, "disable_parallel_tool_use": BOOL},
    "anthropic.ThinkingConfig": {"type": STRING, "budget_tokens": INT},
    "anthropic.Metadata": {"user_id": STRING},
    "anthropic.OutputConfig": {"effort": STRING},
    "anthropic.ContentBlock": {
        **dict.fromkeys(("type", "id", "name", "tool_use_id", "signature"), STRING),
        **dict.fromkeys(("text", "thinking"), STRING),
        "citations": "[]anthropic.Citation",
        "source": "anthropic.ImageSource",
        "input": ARGUMENTS,
        "content": ANY,
        "is_error": BOOL,
    },
    "anthropic.Citation": dict.fromkeys(("type", "url", "title", "encrypted_index", "cited_text"), STRING),
    "anthropic.ImageSource": dict.fromkeys(("type", "media_type", "data", "url"), STRING),
}
"""The fields of objects inside a request; an error names the object, and the path to it."""
MIXED_CASE: Final = {"anyof": "anyOf"}
"""The fields whose own names, which stand in errors, are not all in small letters."""
