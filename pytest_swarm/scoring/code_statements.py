"""The statements of a model's code, read from its syntax tree: what it defines, what helps it, what only tries it out.

Nothing is run here. `code` finds the code in an answer.
"""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Iterable
from typing import Final

from pytest_swarm.scoring.kept_answers import once_of_text

MAX_CODE_CHARS: Final = 50_000
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS: Final = (ast.Import, ast.ImportFrom)
_ASSIGNMENTS: Final = (ast.Assign, ast.AnnAssign)
_TEST_RUNNERS: Final = frozenset({"doctest", "unittest", "pytest"})
_TALKING: Final = frozenset({"print", "input"})


def _new_tree(code: str) -> ast.Module:
    """Return a syntax tree that may be changed, as `parse` does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code)


@once_of_text(kept=8)  # the steps that find and judge the code of one answer ask for the same text
def parse(code: str) -> ast.Module:
    """Return the syntax tree; raises what `ast.parse` does, and warns of nothing: a model's "\\d" is bad style."""
    return _new_tree(code)


def parsed(code: str) -> ast.Module | str:
    """Return the syntax tree, or why there is none."""
    if len(code) > MAX_CODE_CHARS:
        return f"the code is longer than {MAX_CODE_CHARS} characters"
    try:
        return parse(code)
    except SyntaxError as error:
        return f"the code does not parse: {error.msg} in line {error.lineno}"
    except (ValueError, RecursionError, MemoryError):
        return "the code does not parse"


def problem(code: str, entry_point: str) -> str | None:
    """Return why the code will not do, None where it parses and defines the entry point at its top level."""
    tree = parsed(code)
    if isinstance(tree, str):
        return tree
    defined = entry_point in _defined(tree) or any(_imports(node, entry_point) for node in tree.body)
    return None if defined else f"the code does not define {entry_point}"


def _imports(node: ast.stmt, entry_point: str) -> bool:
    """Whether a statement imports the entry point from the standard library."""
    if not isinstance(node, ast.ImportFrom) or (node.module or "").partition(".")[0] not in sys.stdlib_module_names:
        return False
    return any((alias.asname or alias.name) == entry_point for alias in node.names)


def does_nothing(code: str, entry_point: str) -> bool:
    """Return whether the function that code defines last under this name has no effect: pass, a docstring, None."""
    tree = parsed(code)
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


def helpers(candidates: list[str], number: int, entry_point: str) -> list[str]:
    """Return what the blocks around one define: those before it, and of those after it what is not defined by then."""
    earlier = [code for block in candidates[:number] if (code := _definitions(block, entry_point))]
    trees = map(parsed, candidates[: number + 1])
    known = {name for tree in trees if isinstance(tree, ast.Module) for name in _defined(tree)}
    later = [code for block in candidates[number + 1 :] if (code := _definitions(block, entry_point, known=known))]
    return [*earlier, *later]


def _definitions(code: str, entry_point: str, *, known: Iterable[str] = ()) -> str:
    """The imports, functions, classes and constants of a block, but for names that are known; "" where it has none."""
    tree = parsed(code)
    if isinstance(tree, str):
        return ""
    taken = set(known)
    kept: list[ast.stmt] = [
        node
        for node in tree.body
        if isinstance(node, (*_DEFINITIONS, *_IMPORTS, *_ASSIGNMENTS))
        and not _names(node) & taken
        and not (isinstance(node, (*_IMPORTS, *_ASSIGNMENTS)) and _demonstrates(node, entry_point))
    ]
    try:
        return ast.unparse(ast.Module(body=kept, type_ignores=[])) if kept else ""
    except RecursionError:
        return ""


def without_unused_packages(code: str, entry_point: str) -> str:
    """Return code that parses without imports from outside the standard library that the entry point does not need.

    What else uses such a package, a test with pytest or a plot, is left out with it. One that the entry point needs
    stays, so that the error names it.
    """
    tree = parse(code)
    foreign = {name for node in tree.body for alias in _foreign(node) for name in _bound(alias)}
    needed = _needed(tree, entry_point) if foreign else set()
    unused = foreign - needed
    if not unused:
        return code
    body: list[ast.stmt] = []
    for node in _new_tree(code).body:
        kept = _without(node, unused)
        if kept is not None:
            body.append(kept)
        elif not _foreign(node):
            unused |= (_names(node) | _assigned(node)) - needed
    try:
        return ast.unparse(ast.Module(body=body, type_ignores=[]))
    except RecursionError:
        return code


def _without(node: ast.stmt, unused: set[str]) -> ast.stmt | None:
    """A statement without the imports of unused packages; None where nothing is left of it, or it uses one."""
    left_out = [alias for alias in _foreign(node) if not _bound(alias).isdisjoint(unused)]
    if left_out and isinstance(node, _IMPORTS):
        node.names = [alias for alias in node.names if alias not in left_out]
        return node if node.names else None
    return node if _loaded(node).isdisjoint(unused) else None


def _foreign(node: ast.stmt) -> list[ast.alias]:
    """What a statement imports from outside the standard library."""
    match node:
        case ast.Import(names=names):
            return [alias for alias in names if alias.name.partition(".")[0] not in sys.stdlib_module_names]
        case ast.ImportFrom(names=names, module=module, level=level):
            ours = not level and (module or "").partition(".")[0] in sys.stdlib_module_names
            return [] if ours else names
    return []


def _bound(alias: ast.alias) -> set[str]:
    """The name that an import binds, as a set of one."""
    return {alias.asname or alias.name.partition(".")[0]}


def _needed(tree: ast.Module, entry_point: str) -> set[str]:
    """The names that the entry point uses, and those that what it uses needs in turn."""
    needed, found = set[str](), {entry_point}
    while found:
        needed |= found
        users = [node for node in tree.body if not _names(node).isdisjoint(found)]
        found = {name for node in users for name in _global(node)} - needed
    return needed


def _global(node: ast.stmt) -> set[str]:
    """The names that a statement uses, but for parameters and what a function assigns to itself."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return _loaded(node)
    used, own, shared = set[str](), set[str](), set[str]()
    for each in ast.walk(node):  # once, because answers bring their own library along
        match each:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                own.add(name)
            case ast.Global(names=names):
                shared.update(names)
    return used - own | shared


def _demonstrates(node: ast.stmt, entry_point: str) -> bool:
    """Whether an assignment is no constant but a demonstration: it calls the entry point, or asks for input."""
    if isinstance(node, _IMPORTS):
        return any(alias.name == entry_point for alias in node.names)
    return not _called(node).isdisjoint({entry_point, "input"})


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


def without_demonstrations(code: str, entry_point: str) -> str:
    """Return code that parses without the statements that only try out the entry point; else as it is.

    A statement tries it out where it asks for input, or uses a name that such a statement assigns; after the entry
    point also where it calls it, prints or runs tests. What the entry point needs stays, and so does what other
    statements do, such as ending the process.
    """
    tree = parse(code)
    if all(isinstance(node, (*_DEFINITIONS, *_IMPORTS)) for node in tree.body):
        return code
    defined = [number for number, node in enumerate(tree.body) if entry_point in _names(node)]
    needed = _needed(tree, entry_point)
    dropped: list[ast.stmt] = []
    names = set[str]()
    for number, node in enumerate(tree.body if defined else ()):
        if isinstance(node, ast.FunctionDef) and node.name not in needed and _tries_out(node, entry_point):
            names.add(node.name)  # a main() that shows the function at work: only calls of it are left out
        if isinstance(node, (*_DEFINITIONS, *_IMPORTS)) or not _assigned(node).isdisjoint(needed):
            continue
        tried = _tries_out(node, entry_point) if number > defined[-1] else "input" in _called(node)
        if tried or not _loaded(node).isdisjoint(names):
            dropped.append(node)
            names |= _assigned(node)
    if not dropped:
        return code
    lines = code.split("\n")
    for node in dropped:
        lines[node.lineno - 1 : node.end_lineno] = [""] * ((node.end_lineno or node.lineno) - node.lineno + 1)
    rest = "\n".join(lines)
    return code if isinstance(parsed(rest), str) else rest


def _tries_out(node: ast.stmt, entry_point: str) -> bool:
    if not _called(node).isdisjoint({entry_point, *_TALKING}):
        return True
    methods = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
    return any(
        isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name) and each.value.id in _TEST_RUNNERS
        for each in methods
    )


def _loaded(node: ast.stmt) -> set[str]:
    """The names that a statement uses."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}


def _called(node: ast.stmt) -> set[str]:
    """The names of the functions that a statement calls."""
    return {each.func.id for each in ast.walk(node) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}


def _assigned(node: ast.stmt) -> set[str]:
    """The names that a statement assigns, also within loops and branches."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
