"""Demonstrations in a model's code: calls of its own function that print, assert or ask for input at the top level."""

from __future__ import annotations

import ast
import warnings
from typing import Final

_KEPT: Final = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_TALKING: Final = frozenset({"print", "input"})


def without_demonstrations(code: str, entry_point: str) -> str:
    """Return code that parses without the statements after the entry point that only try it out; else as it is.

    A statement tries it out where it calls the entry point, prints, asks for input, or uses a name that such a
    statement assigns. What other statements do, such as ending the process, stays.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(code)
    defined = [number for number, node in enumerate(tree.body) if _defines(node, entry_point)]
    dropped: list[ast.stmt] = []
    names = set[str]()
    for node in tree.body[defined[-1] + 1 :] if defined else ():
        if isinstance(node, ast.FunctionDef) and _tries_out(node, entry_point, set()):
            names.add(node.name)  # a main() that shows the function at work: only calls of it are left out
        if not isinstance(node, _KEPT) and _tries_out(node, entry_point, names):
            dropped.append(node)
            names |= _assigned(node)
    if not dropped:
        return code
    lines = code.split("\n")
    for node in dropped:
        lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    rest = "\n".join(lines)
    return rest if _parses(rest) else code


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    return isinstance(node, ast.Assign | ast.AnnAssign) and name in _assigned(node)


def _tries_out(node: ast.stmt, entry_point: str, names: set[str]) -> bool:
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in {entry_point, *_TALKING}:
            return True
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load) and each.id in names:
            return True
    return False


def _assigned(node: ast.stmt) -> set[str]:
    """The names that a statement assigns, also within loops and branches."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def _parses(code: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError:
        return False
    return True
