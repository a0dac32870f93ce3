"""A complete table of scores, prompt x model, made of cells from any format."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.model_names import parse_name
from pytest_swarm.errors import MatrixError
from pytest_swarm.units import plural

_NO_PART: Final = re.compile(r"[^A-Za-z0-9_.]+")
_LONGEST_NAME: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """What one row says of one model on one prompt; None = not given. `cost` is in USD, `dataset` any word.

    `unread` are the columns of the row that nothing is taken from.
    """

    where: str
    model: str
    score: float | None
    prompt_id: str | None = None
    prompt: str | None = None
    dataset: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    latency_s: float | None = None
    unread: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The id of the prompt: the given one, or a digest of its text."""
        if self.prompt_id is not None:
            return self.prompt_id
        assert self.prompt is not None, "every reader gives an id or a text"
        return f"p-{hashlib.sha256(self.prompt.encode()).hexdigest()[:16]}"

    @property
    def measured(self) -> tuple[float | int | None, ...]:
        """Everything that was measured, to tell a repeated row from a contradiction."""
        return (self.score, self.prompt_tokens, self.completion_tokens, self.cost, self.latency_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixPrompt:
    """One prompt with a scored cell for each model."""

    id: str
    text: str | None
    dataset: str | None
    cells: Mapping[str, MatrixCell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Prompts in the order of the file, each with a score of every model; `notes` say what was left out."""

    models: tuple[str, ...]
    prompts: tuple[MatrixPrompt, ...]
    notes: tuple[str, ...] = ()

    def mean_score(self, model: str) -> float:
        """Return the mean score of a model over all prompts."""
        return fmean(_score(each.cells[model]) for each in self.prompts)

    def best_mean_score(self) -> float:
        """Return the mean over the prompts of the best model's score: what an oracle reaches."""
        return fmean(max(_score(cell) for cell in each.cells.values()) for each in self.prompts)


def _score(cell: MatrixCell) -> float:
    assert cell.score is not None, "prompts with a missing score are left out"
    return cell.score


@dataclass(slots=True)
class _Prompt:
    cells: dict[str, MatrixCell] = field(default_factory=dict)
    text: str | None = None
    dataset: str | None = None


def build_matrix(cells: Iterable[MatrixCell], *, source: str, models: tuple[str, ...] = ()) -> Matrix:
    """Return the matrix of all cells; prompts that lack a score of any model are left out, and a note counts them.

    Args:
        cells: The cells, in any order.
        source: What to call the table in an error.
        models: The models to keep; empty keeps all.

    Raises:
        MatrixError: Two cells contradict each other, a model is unknown, or nothing is left.
    """
    prompts: dict[str, _Prompt] = {}
    repeated = 0
    seen: dict[str, None] = {}
    unread: dict[str, None] = {}
    for cell in cells:
        seen.setdefault(cell.model)
        unread |= dict.fromkeys(cell.unread)
        if models and cell.model not in models:
            continue
        repeated += not _enter(prompts.setdefault(cell.key, _Prompt()), cell)
    kept = _kept_models(tuple(seen), models, source)
    complete = {
        key: each
        for key, each in prompts.items()
        if all(model in each.cells and each.cells[model].score is not None for model in kept)
    }
    if not complete:
        raise MatrixError(
            f"{source}: no prompt has a score of every model ({', '.join(kept)}); name fewer with --models"
        )
    names = _tags(kept, source)
    return Matrix(
        models=tuple(names.values()),
        prompts=tuple(
            MatrixPrompt(
                id=key,
                text=each.text,
                dataset=each.dataset,
                cells=MappingProxyType({names[model]: each.cells[model] for model in kept}),
            )
            for key, each in complete.items()
        ),
        notes=(
            *(f"model {name!r} is called {tag}" for name, tag in names.items() if name != tag),
            *_left_out(unread, repeated, len(prompts), len(complete)),
            *_gaps(complete.values(), kept),
        ),
    )


def _left_out(unread: Iterable[str], repeated: int, prompts: int, complete: int) -> Iterator[str]:
    """Yield notes on columns, rows and prompts that nothing is taken from."""
    if columns := ", ".join(unread):
        yield f"columns that are not used: {columns}"
    if repeated:
        yield f"rows that say the same again, which count once: {repeated:,}"
    if complete < prompts:
        yield f"left out, without a score of each model: {prompts - complete:,} of {plural(prompts, 'prompt')}"


def _enter(prompt: _Prompt, cell: MatrixCell) -> bool:
    """Enter a cell; return False for one that says the same again."""
    if None not in (prompt.dataset, cell.dataset) and prompt.dataset != cell.dataset:
        raise MatrixError(
            f"{cell.where}: prompt {cell.key!r} is of data set {cell.dataset!r} here, and of {prompt.dataset!r} "
            "before; give it an id of its own"
        )
    prompt.dataset = prompt.dataset or cell.dataset
    if cell.prompt is not None:
        if prompt.text is not None and prompt.text != cell.prompt:
            raise MatrixError(
                f"{cell.where}: prompt {cell.key!r} has another text than before; give it an id of its own"
            )
        prompt.text = prompt.text or cell.prompt
    known = prompt.cells.get(cell.model)
    if known is None:
        prompt.cells[cell.model] = cell
        return True
    if known.measured == cell.measured:
        return False
    raise MatrixError(
        f"{cell.where}: prompt {cell.key!r} and model {cell.model!r} have a second, different row "
        f"(score {cell.score} here, {known.score} at {known.where}); keep one of them"
    )


def _kept_models(seen: tuple[str, ...], wanted: tuple[str, ...], source: str) -> tuple[str, ...]:
    if not seen:
        raise MatrixError(f"{source}: has no rows")
    unknown = [each for each in wanted if each not in seen]
    if unknown:
        raise MatrixError(f"{source}: has no model {unknown[0]!r}; it has {', '.join(seen)}")
    kept = wanted or seen
    folded = [each.strip().lower() for each in kept]
    for each, plain in zip(kept, folded, strict=True):
        if folded.count(plain) > 1:
            raise MatrixError(f"{source}: model {each!r} appears in two spellings; use one")
        if "," in each:
            raise MatrixError(f"{source}: model {each!r} has a comma in its name, which separates modes; rename it")
    return kept


def _is_served(name: str) -> bool:
    """Return whether a server of Ollama takes a name as that of a model which it runs itself."""
    parsed = parse_name(name)
    return parsed.valid and not f"-{parsed.tag}".lower().endswith("-cloud")


def _tags(models: tuple[str, ...], source: str) -> dict[str, str]:
    """Return the tag of each model: its name, or what is nearest where no server would take that, such as `a b`."""
    tags: dict[str, str] = {}
    for name in models:
        tag = name if _is_served(name) else _NO_PART.sub("-", name).strip("-.")[:_LONGEST_NAME]
        if not tag or tag.lower() in map(str.lower, tags.values()):
            raise MatrixError(
                f"{source}: model {name!r} cannot be told apart by letters of A to Z, digits, - and .; rename it"
            )
        tags[name] = tag
    return tags


def _gaps(prompts: Iterable[_Prompt], models: tuple[str, ...]) -> list[str]:
    """Return a note on each quantity that some cells have and others lack."""
    cells = [each.cells[model] for each in prompts for model in models]
    notes = []
    for name in ("prompt_tokens", "completion_tokens", "cost", "latency_s"):
        missing = sum(getattr(cell, name) is None for cell in cells)
        if missing == len(cells):
            notes.append(f"{name} is not in the table")
        elif missing:
            notes.append(f"{name} is missing in {missing} of {plural(len(cells), 'cell')}; sums leave these out")
    return notes
