"""Finding the Python code of an answer: in fenced blocks, or in a text that is mostly code. Nothing is run here."""

from __future__ import annotations

import ast
import builtins
import re
import sys
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pytest_swarm.scoring.answer_regions import enclosed_region
from pytest_swarm.scoring.demonstrations import without_demonstrations
from pytest_swarm.scoring.fences import Fence, before_first_fence, fences
from pytest_swarm.scoring.reading import AnswerPlace

MAX_CODE_CHARS: Final = 50_000
_MAX_CUTS: Final = 20  # of prose after code without a fence
_PYTHON: Final = frozenset({"python", "py", "python3", "py3", "python2", ""})
_MARKDOWN: Final = frozenset({"markdown", "md"})
_FIRST_LINES: Final = 5  # of which one has a prompt in a transcript
_MAX_INLINE: Final = 20
_INLINE: Final = re.compile(r"(?<!`)`([^`\n]{8,400})`(?!`)")
_DEMONSTRATING: Final = (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom)
_FIRST_WORDS: Final = ("def ", "class ", "import ", "from ", "@", "async def ")


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCode:
    """Code that parses and defines the entry point, or None and why there is none."""

    code: str | None
    fault: str = ""


def find_code(text: str, entry_point: str) -> FoundCode:
    """Return the answer's code for `entry_point`: the last Python or nameless block that defines it.

    What other blocks import and define goes in front of it, because a helper may stand in a block of its own; what
    they do besides (a demonstration, a print) is left out. In a text without blocks, the code begins at the first line
    that can begin one.
    """
    region = enclosed_region(text)
    if region is not None and region[1] is AnswerPlace.TAG and entry_point in region[0]:
        text = region[0]
    blocks = [_typed_in(textwrap.dedent(block.text)) for block in _blocks(text) if block.language in _PYTHON]
    found = _last_that_defines(blocks or [_unfenced_code(text)], entry_point)
    if found.code is None:  # the opening fence is missing, or the code is a span within a line
        others = [_unfenced_code(before_first_fence(text))] if blocks else _INLINE.findall(text)[-_MAX_INLINE:]
        other = _last_that_defines(others, entry_point)
        return found if other.code is None else other
    return found


def _last_that_defines(candidates: list[str], entry_point: str) -> FoundCode:
    """The last candidate that defines the entry point, with its helpers and without its demonstrations."""
    fault = ""
    for number in reversed(range(len(candidates))):
        problem = _problem(candidates[number], entry_point)
        if problem is None:
            helpers = _helpers(candidates, number, entry_point)
            return FoundCode(code="\n\n".join((*helpers, without_demonstrations(candidates[number], entry_point))))
        fault = fault or problem
    return FoundCode(code=None, fault=fault)


def _typed_in(code: str) -> str:
    """The code of a transcript of the interactive interpreter, without prompts and output; other code as it is."""
    lines = code.split("\n")
    if not any(line.startswith(">>> ") for line in lines[:_FIRST_LINES]):
        return code
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")) or line.rstrip() in (">>>", "..."))


def _blocks(text: str) -> Iterator[Fence]:
    """The fenced blocks of a text; in place of a Markdown block, the blocks in it."""
    for block in fences(text):
        if block.language in _MARKDOWN:
            yield from fences(block.text)
        else:
            yield block


def does_nothing(code: str, entry_point: str) -> bool:
    """Whether the function that code defines last under this name has no effect: pass, ..., a docstring, None."""
    tree = _parsed(code)
    if isinstance(tree, str):
        return False
    defined = [node for node in tree.body if entry_point in _names(node)]
    match defined[-1:]:
        case [ast.FunctionDef(body=body)]:
            return all(map(_is_idle, body))
        case [ast.Assign(value=ast.Lambda(body=ast.Constant(value=None | builtins.Ellipsis)))]:
            return True
    return False


def _is_idle(node: ast.stmt) -> bool:
    match node:
        case ast.Pass() | ast.Expr(value=ast.Constant() | ast.Name()):
            return True
        case ast.Return(value=None | ast.Constant(value=None | builtins.Ellipsis)):
            return True
        case ast.Raise(exc=ast.Name(id="NotImplementedError") | ast.Call(func=ast.Name(id="NotImplementedError"))):
            return True
    return False


def _helpers(candidates: list[str], number: int, entry_point: str) -> list[str]:
    """What the blocks before define, and what those after define that is not defined before or in the block itself."""
    earlier = [code for block in candidates[:number] if (code := _definitions(block, entry_point))]
    trees = map(_parsed, candidates[: number + 1])
    known = {name for tree in trees if isinstance(tree, ast.Module) for name in _defined(tree)}
    later = [code for block in candidates[number + 1 :] if (code := _definitions(block, entry_point, known=known))]
    return [*earlier, *later]


def _definitions(code: str, entry_point: str, *, known: Iterable[str] = ()) -> str:
    """The imports, functions, classes and constants of a block, but for names that are known; "" where it has none."""
    tree = _parsed(code)
    if isinstance(tree, str):
        return ""
    taken = set(known)
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)
    kept: list[ast.stmt] = [
        node
        for node in tree.body
        if isinstance(node, kinds)
        and not _names(node) & taken
        and not (isinstance(node, _DEMONSTRATING) and _demonstrates(node, entry_point))
    ]
    try:
        return ast.unparse(ast.Module(body=kept, type_ignores=[])) if kept else ""
    except RecursionError:
        return ""


def _demonstrates(node: ast.AST, entry_point: str) -> bool:
    """Whether an assignment is no constant but a demonstration: it calls the entry point, or asks for input."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return any(alias.name == entry_point for alias in node.names)
    names = (each.func.id for each in ast.walk(node) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name))
    return any(name in (entry_point, "input") for name in names)


def _problem(code: str, entry_point: str) -> str | None:
    """Why the code will not do, None where it parses and defines the entry point at its top level."""
    tree = _parsed(code)
    if isinstance(tree, str):
        return tree
    defined = entry_point in _defined(tree) or any(_imports(node, entry_point) for node in tree.body)
    return None if defined else f"the code does not define {entry_point}"


def _imports(node: ast.stmt, entry_point: str) -> bool:
    """Whether a statement imports the entry point from the standard library."""
    if not isinstance(node, ast.ImportFrom) or (node.module or "").partition(".")[0] not in sys.stdlib_module_names:
        return False
    return any((alias.asname or alias.name) == entry_point for alias in node.names)


def _parsed(code: str) -> ast.Module | str:
    """The syntax tree, or why there is none."""
    if len(code) > MAX_CODE_CHARS:
        return f"the code is longer than {MAX_CODE_CHARS} characters"
    try:
        return _tree(code)
    except SyntaxError as error:
        return f"the code does not parse: {error.msg} in line {error.lineno}"
    except (ValueError, RecursionError, MemoryError):
        return "the code does not parse"


def _tree(code: str) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a model's "\d" is bad style, not our warning
        return ast.parse(code)


def _unfenced_code(text: str) -> str:
    """The code in a text without fences: all of it, else from the first line of code to where it breaks off."""
    if len(text) > MAX_CODE_CHARS:
        return text
    lines = text.split("\n")
    start = next((number for number, line in enumerate(lines) if line.startswith(_FIRST_WORDS)), None)
    if start is None:
        return _typed_in(text)
    end = len(lines)
    for _ in range(_MAX_CUTS):
        code = "\n".join(lines[start:end])
        try:
            _tree(code)
        except SyntaxError as error:
            broken = start + min(error.lineno or 1, end - start) - 1
            end = next((at for at in range(broken, start, -1) if lines[at][:1].strip()), start)
            if end == start:
                return text
        except (ValueError, RecursionError, MemoryError):
            return text
        else:
            return code
    return text


def _defined(tree: ast.Module) -> set[str]:
    return {name for node in tree.body for name in _names(node)}


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return {name}
    return set()
