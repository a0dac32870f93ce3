"""Python values as JSON: tuples, sets and the like are tables of one tag, such as {"$tuple": [1, 2]}.

So that cases of a function keep their types on the way to a file and into the sandbox, where this module is loaded
by its path: it must import nothing.
"""

from __future__ import annotations

TYPES = {kind.__name__: kind for kind in (int, float, str, bool, list, tuple, set, dict, bytes, complex)}


def encode_value(value: object) -> object:
    """Return the JSON form of a Python value; TypeError for a value that has none.

    Lists, texts, numbers, true, false, None and tables with texts as keys stand for themselves. The items of a set are
    sorted: Python's own order differs from process to process, and would make another task of it.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else {"$float": repr(value)}
    if isinstance(value, list):
        return [encode_value(each) for each in value]
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: encode_value(each) for key, each in value.items()}
        return {"$dict": [[encode_value(key), encode_value(each)] for key, each in value.items()]}
    if isinstance(value, type) and value.__name__ in TYPES:
        return {"$type": value.__name__}
    for kind in (tuple, frozenset, set):
        if isinstance(value, kind):
            inside = [encode_value(each) for each in value]
            return {f"${kind.__name__}": inside if kind is tuple else sorted(inside, key=repr)}
    if isinstance(value, complex):
        return {"$complex": [encode_value(value.real), encode_value(value.imag)]}
    if isinstance(value, bytes):
        return {"$bytes": value.decode("latin-1")}
    raise TypeError(f"a {type(value).__name__} is no value that can be compared")


def decode_value(data: object) -> object:
    """Return the Python value of a JSON form; TypeError for a tag that is not known."""
    if isinstance(data, list):
        return [decode_value(each) for each in data]
    if not isinstance(data, dict):
        return data
    tag = next(iter(data), "")
    if len(data) != 1 or not tag.startswith("$"):
        return {key: decode_value(each) for key, each in data.items()}
    return _decode_tag(tag, data[tag])


def is_plain(data: object) -> bool:
    """Whether a JSON form holds no tags."""
    if isinstance(data, list):
        return all(is_plain(each) for each in data)
    if isinstance(data, dict):
        tagged = len(data) == 1 and next(iter(data)).startswith("$")
        return not tagged and all(is_plain(each) for each in data.values())
    return True


def _decode_tag(tag: str, inside: object) -> object:
    items = inside if isinstance(inside, list) else []
    if tag == "$dict":
        return {decode_value(key): decode_value(each) for key, each in items}
    if tag == "$float":
        return float(str(inside))
    if tag == "$type":
        return TYPES[str(inside)]
    if tag == "$bytes":
        return str(inside).encode("latin-1")
    if tag == "$complex":
        return complex(*(float(str(decode_value(each))) for each in items))
    kinds = {"$tuple": tuple, "$set": set, "$frozenset": frozenset}
    if tag not in kinds:
        raise TypeError(f"{tag} is no known tag of a Python value")
    return kinds[tag](decode_value(each) for each in items)
