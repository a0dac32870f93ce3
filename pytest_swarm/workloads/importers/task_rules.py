"""Rules that turn the steps of a foreign graph into LLM tasks.

The type comes from the text; tokens and difficulty come from the costs or from the text. Each rule is a heuristic that
keeps what a router weighs: which tasks are alike, and which are larger than others in the same graph.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType
from typing import Final

from pytest_swarm.domain.graph import TaskGraph
from pytest_swarm.domain.placeholders import escaped
from pytest_swarm.domain.task import MAX_DIFFICULTY, MIN_DIFFICULTY, Task, TaskType
from pytest_swarm.domain.text_tokens import tokens_by_length
from pytest_swarm.errors import GraphError

MEDIAN_TOKENS: Final = 250  # estimated tokens of a task of median cost
MIN_RATIO: Final = 0.2  # a task counts as no smaller than this multiple of the median ...
MAX_RATIO: Final = 8.0  # ... and as no larger than this one
ANSWER_TOKENS: Final = 150  # assumed tokens of an answer to a step in words
WORDS_PER_STEP: Final = 25  # each further 25 words add half a level of difficulty
_WORD: Final = re.compile(r"[\u3001-\u9fff\uff00-\uffef]{1,2}|[^\s\u3001-\u9fff\uff00-\uffef]+")
"""A word in text with spaces, or two characters of Chinese or Japanese, marks included."""

_QUANTITY: Final = (
    r"\d|[$€£%]|\b(?:numbers?|figures?|amounts?|totals?|sums?|prices?|costs?|values?|units?|currenc\w+"
    r"|tax|VAT|percent\w*|up|euros?|dollars?|celsius|fahrenheit|met(?:er|re)s?|minutes|hours|days)\b"
)
# The first type with a word in the text wins, so specific words come before vague ones.
_WORDS: Final[Mapping[TaskType, str]] = MappingProxyType(
    {
        TaskType.CODE: r"code|script|program|function|implement|debug|regex|sql|encrypt\w*"
        # not "compile a list", "compilation of hotels"
        r"|deploy|install|compil(?!ation)\w*(?! (?:an?|all|every\w*|it|the|them|these|this|your)\b)",
        TaskType.MATH: r"calculat\w*|comput(?!er)\w*|sum|averag\w*|count|measur\w*|estimat\w*|percent\w*"
        rf"|(?:add|convert)\b(?=\W*$|[^.!?\n]*?(?:{_QUANTITY}))",  # not "add a greeting", "convert it to JSON"
        TaskType.SUMMARIZE: r"summar\w*|report|overview|describ\w*|aggregat\w*|merge|reduc\w*|combin\w*|compil\w*"
        r"|collect",
        TaskType.CREATIVE: r"writ\w*|creat\w*|design|compos\w*|decorat\w*|draw|invent|generat\w*|paint|draft",
        TaskType.EXTRACTION: r"extract\w*|find|get|fetch|retriev\w*|search\w*|read|look|list|scan|parse|\w*load|map",
    }
)
# Chinese and Japanese, which have no marks between words.
_UNSPACED: Final[Mapping[TaskType, str]] = MappingProxyType(
    {
        # not the code of an invoice, a share or a company
        TaskType.CODE: "(?<!票)(?<!信用)代码|编程|脚本|函数|コード|プログラム",
        TaskType.MATH: "计算|数学|求和|計算",
        TaskType.SUMMARIZE: "总结|摘要|概括|汇总|归纳|报告|要約|まとめ|レポート",
        TaskType.CREATIVE: "写作|撰写|编写|创作|扩写|改写|生成|作成|執筆",
        TaskType.EXTRACTION: "提取|抽取|识别|解析|查询|检索|搜索|抽出|検索",
    }
)
_SCRIPTS_MEET: Final = r"(?<=[A-Za-z])(?=[\u3041-\u9fff])|(?<=[\u3041-\u9fff])(?=[A-Za-z])"  # "生成SQL语句"
_SPOKEN: Final = re.compile(  # of which a script is no program
    r"\b(?:podcast|video|you ?tube|tik ?tok|film|movie|screenplay|dialogue|scene|voice ?over"
    r"|narrat(?:or|ion)|actor)s?\b|播客|视频|剧本|口播",
    re.IGNORECASE,
)
_SCRIPT: Final = re.compile(r"(?<!python )(?<!bash )(?<!shell )\bscripts?\b|脚本", re.IGNORECASE)
_NOT_DONE: Final = re.compile(  # "do not invent facts" says nothing of what is done
    r"\b(?:(?:do|does|must|should|shall|may|can) ?not|\w+n['’]t|cannot|never|without|avoid|not an?)\b"
    r"(?! (?:only|just)\b)(?:(?! but\b| and (?:must|then)\b)[^.,;:!?\n])*"
    r"|(?:不要|不得|不能|请勿|禁止|无需)[^\uff0c\u3002\uff1b\uff01\n]*",
    re.IGNORECASE,
)
_PATTERNS: Final = tuple(
    (kind, re.compile(rf"\b(?:{words})\b|{_UNSPACED[kind]}", re.IGNORECASE)) for kind, words in _WORDS.items()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedStep:
    """One step of a foreign graph: `id` is unique, `name` says what it does, `cost` is in any unit, 0 where unknown."""

    id: str
    name: str
    cost: float = 0.0


def graph_of_steps(
    name: str, steps: tuple[ImportedStep, ...], edges: tuple[tuple[str, str], ...], where: str
) -> TaskGraph:
    """Return the task graph of the steps, sized by their costs.

    Args:
        name: Name of the graph.
        steps: The steps; their order is kept.
        edges: Pairs (parent, child) of step ids; repeated pairs count once.
        where: What to call the graph in an error, such as the file's path.

    Raises:
        GraphError: Where the steps and edges are not a valid DAG.
    """
    sizes = sizes_from_costs(step.cost for step in steps)
    try:
        tasks = tuple(
            Task(
                id=step.id,
                type=type_from_text(step.name),
                prompt=_prompt(name, step),
                estimated_tokens=tokens,
                difficulty=difficulty,
            )
            for step, (tokens, difficulty) in zip(steps, sizes, strict=True)
        )
        return TaskGraph(name=name, tasks=tasks, edges=tuple(dict.fromkeys(edges)))
    except GraphError as error:
        raise GraphError(f"{where}: {error}") from error


def named_type(text: str) -> TaskType | None:
    """Return the first type of code, math, summarize, creative, extraction with a word in the text; None without one.

    Names such as `LocalTrain_2` or `fastqDump` are split into their words. What shall not be done does not count.
    """
    parts = rf"(?<=[a-z])(?=[A-Z])|{_SCRIPTS_MEET}|(?<=[^\W\d])(?=\d)|(?<=\d)(?=[^\W\d])|_|(?<=\S)[-.](?=\S)"
    words = _NOT_DONE.sub(" ", re.sub(parts, " ", text))
    if _SPOKEN.search(words):
        words = _SCRIPT.sub(" ", words)
    return next((kind for kind, pattern in _PATTERNS if pattern.search(words)), None)


def type_from_text(text: str) -> TaskType:
    """Return the type that a text of a batch graph names, else reasoning."""
    return named_type(text) or TaskType.REASONING


def sizes_from_costs(costs: Iterable[float]) -> list[tuple[int, float]]:
    """Return (estimated tokens, difficulty) per task from runtimes or costs in any unit.

    With r = cost / median of the known costs, clipped to [0.2, 8]: tokens = 250 r; difficulty = 2 + log2(r), clipped
    to [1, 5] and rounded to halves. So the median task has 250 tokens and difficulty 2, and each doubling adds one
    level. A cost of 0 is unknown and counts as the median.
    """
    costs = list(costs)
    known = [cost for cost in costs if cost > 0]
    middle = median(known) if known else 1.0
    return [_size(min(max(cost / middle, MIN_RATIO), MAX_RATIO) if cost > 0 else 1.0) for cost in costs]


def size_from_text(text: str, parents: int) -> tuple[int, float]:
    """Return (estimated tokens, difficulty) of a step in words.

    tokens = `tokens_by_length` + 150 for the answer + 150 for each parent's answer; difficulty = 1.5 + half a level for
    each parent after the first and for each 25 words, clipped to [1, 5].

    Args:
        text: The text of the step.
        parents: Number of steps that it depends on.
    """
    tokens = math.ceil(tokens_by_length(text)) + ANSWER_TOKENS * (1 + parents)
    words = len(_WORD.findall(text))
    return tokens, _in_halves(1.5 + 0.5 * max(0, parents - 1) + 0.5 * (words // WORDS_PER_STEP))


def _prompt(name: str, step: ImportedStep) -> str:
    called = step.id if step.name == step.id else f"{step.id} ({step.name})"
    return escaped(
        f"You carry out step {called} of the workflow {name}. Say in at most three sentences what this step "
        "does with the results of the steps before it, and what it hands on."
    )


def _size(ratio: float) -> tuple[int, float]:
    return round(MEDIAN_TOKENS * ratio), _in_halves(2.0 + math.log2(ratio))


def _in_halves(difficulty: float) -> float:
    """Return the difficulty, rounded to halves and clipped to the valid range."""
    return min(max(round(2 * difficulty) / 2, MIN_DIFFICULTY), MAX_DIFFICULTY)
