"""Steps without parents: documents to read, tables to look up, dates, units, orders and texts to work out.

The level sets the difficulty: more lines, more irrelevant numbers, more operations in sequence.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from pytest_swarm.domain.formula import WEEKDAYS
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.generated_step import (
    GeneratedStep,
    StepContext,
    StepGenerator,
    number_step,
    record_step,
)
from pytest_swarm.workloads.workflowgen.random_stream import RandomStream

CITIES: Final = ("Oslo", "Porto", "Ghent", "Turin", "Lyon", "Graz", "Cork", "Brno", "Malmo", "Riga")
NAMES: Final = ("Ada", "Bruno", "Chloe", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas")
GOODS: Final = ("lamps", "chairs", "pumps", "cables", "drills", "valves", "shelves", "motors", "filters", "sensors")
MODULES: Final = ("auth", "billing", "cache", "mail", "search", "upload")
_IRRELEVANT_SENTENCES: Final = (
    "Our order number is {}.",
    "Last month's invoice came to {} euros and has been settled.",
    "For questions call extension {}.",
    "The parcel weighs {} kilograms.",
    "An earlier offer of {} euros no longer holds.",
    "You have collected {} bonus points.",
    "Customers since 1998 get {} stamps.",
    "The warehouse has {} square metres.",
)


def invoice(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to extract four fields from an invoice; each level above 1 adds two irrelevant sentences."""
    net, shipping, paid = rng.between(200, 2000), rng.between(10, 90), rng.between(20, 190)
    city = rng.choice(CITIES)
    sentences = [
        f"The goods come to {net} euros net.",
        f"Shipping costs {shipping} euros.",
        f"We have received your payment of {paid} euros in advance.",
        f"The invoice goes to our branch in {city}.",
    ]
    asides = [
        aside.format(rng.between(100, 999)) for aside in rng.sample(_IRRELEVANT_SENTENCES, 2 * (context.level - 1))
    ]
    text = " ".join(rng.shuffled(sentences + asides))
    ask = (
        f"Read this invoice and find the net amount (net), the shipping cost (shipping), what was paid in advance "
        f"(paid), all in euros as whole numbers, and the city of the branch (city).\n\nInvoice: {text}\n\n"
    )
    return record_step(TaskType.EXTRACTION, ask, {"net": net, "shipping": shipping, "paid": paid, "city": city})


def log(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to count errors and warnings in a log of 4 + 4 x level lines, and to find the last error's code."""
    lines: list[str] = []
    errors = warnings = last = 0
    count = 4 + 4 * context.level
    for number in range(count):
        kind = "ERROR" if number == count // 2 else rng.choice(("INFO", "INFO", "WARNING", "ERROR"))
        code = rng.between(100, 599)
        errors += kind == "ERROR"
        warnings += kind == "WARNING"
        last = code if kind == "ERROR" else last
        stamp = f"{8 + number // 20:02}:{number * 3 % 60:02}"
        lines.append(f"{stamp} {kind} {rng.choice(MODULES)} code={code}")
    ask = (
        "Read this log. How many lines are of level ERROR (errors), how many of level WARNING (warnings), and what is "
        "the code of the last ERROR (code)?\n\n" + "\n".join(lines) + "\n\n"
    )
    return record_step(TaskType.EXTRACTION, ask, {"errors": errors, "warnings": warnings, "code": last})


def lookup(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to read one cell of a table of goods and cities, which grows with the level."""
    goods = rng.sample(GOODS, min(10, 3 + context.level))
    cities = rng.sample(CITIES, 1 + context.level)
    stock = {(good, city): rng.between(12, 980) for good in goods for city in cities}
    rows = [f"{good} | " + " | ".join(str(stock[good, city]) for city in cities) for good in goods]
    good, city = rng.choice(goods), rng.choice(cities)
    table = "\n".join(["goods | " + " | ".join(cities), *rows])
    ask = f"The table shows how many pieces are in stock in each city.\n\n{table}\n\nHow many {good} are in {city}?"
    return number_step(TaskType.EXTRACTION, ask, stock[good, city])


def joined(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to add up, over two tables, the prices of one supplier's goods; there are 3 + level goods."""
    goods = rng.sample(GOODS, 3 + context.level)
    suppliers = rng.sample(NAMES, 2 + context.level // 3)
    source = {good: rng.choice(suppliers) for good in goods}
    price = {good: rng.between(11, 99) for good in goods}
    wanted = source[goods[0]]
    first = "\n".join(f"{good}: {price[good]} euros" for good in rng.shuffled(goods))
    second = "\n".join(f"{good} come from {source[good]}" for good in rng.shuffled(goods))
    ask = (
        f"Prices:\n{first}\n\nSuppliers:\n{second}\n\nSomebody buys one of each of the goods that come from {wanted}. "
        "What do they cost together, in euros?"
    )
    return number_step(TaskType.REASONING, ask, sum(price[good] for good in goods if source[good] == wanted))


def calendar(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to find a date after `level` moves by days or weeks, forward or backward."""
    start = date(2026, 1, 1) + timedelta(days=rng.below(300))
    day, moves = start, []
    for _ in range(context.level):
        days, back = rng.between(3, 40), rng.below(3) == 0
        weeks = rng.below(2)
        day += timedelta(days=(-1 if back else 1) * days * (7 if weeks else 1))
        moves.append(f"{days} {'weeks' if weeks else 'days'} {'back' if back else 'on'}")
    ask = (
        f"Start at {WEEKDAYS[start.weekday()]}, {start.isoformat()}, and go {', then '.join(moves)}. Which date is "
        "that? Write it as YYYY-MM-DD."
    )
    return record_step(TaskType.REASONING, ask, {"date": day.isoformat()})


_UNITS: Final = (
    ("weeks", "days", 7),
    ("days", "hours", 24),
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("kilometres", "metres", 1000),
    ("metres", "centimetres", 100),
    ("kilograms", "grams", 1000),
    ("dozens", "pieces", 12),
    ("litres", "millilitres", 1000),
)


def units(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to add up `level` amounts, each converted to a smaller unit."""
    parts = [(rng.between(2, 39), unit) for unit in rng.sample(_UNITS, context.level)]
    asked = ", ".join(f"{count} {large} in {small}" for count, (large, small, _) in parts)
    ask = f"Convert {asked}." + (" Add up the figures, whatever their units." if len(parts) > 1 else "")
    return number_step(TaskType.MATH, f"{ask} Which number do you get?", sum(n * unit[2] for n, unit in parts))


def ordering(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to find a person in a row of 2 + level people from clues on neighbors, in random order."""
    row = rng.sample(NAMES, 2 + context.level)
    clues = [
        f"{left} stands directly before {right}." if rng.below(2) else f"{right} stands directly behind {left}."
        for left, right in pairwise(row)
    ]
    place = rng.below(len(row))
    ask = (
        f"{len(row)} people stand in a row. {' '.join(rng.shuffled(clues))} Who stands at place {place + 1}, counted "
        "from the front?"
    )
    return record_step(TaskType.REASONING, ask, {"name": row[place]})


def letters(rng: RandomStream, context: StepContext) -> GeneratedStep:
    """Return a task to apply `level` changes to a word: reverse, rotate, append or drop a letter."""
    word = "".join(rng.choice("abcdefghiklmnoprstuvw") for _ in range(4 + context.level))
    text, rules = word, []
    for _ in range(context.level):
        kind = rng.below(4)
        if kind == 0:
            text, rule = text[::-1], "turn it round"
        elif kind == 1:
            text, rule = text[1:] + text[0], "move the first letter to the end"
        elif kind == 2:
            text, rule = text + text[0], "append a copy of the first letter"
        else:
            text, rule = text[:-1], "drop the last letter"
        rules.append(rule)
    ask = f'Take the text "{word}" and do this, one after the other: {"; ".join(rules)}. What is the text now?'
    return record_step(TaskType.REASONING, ask, {"text": text})


SOURCE_STEPS: Final[tuple[StepGenerator, ...]] = (invoice, log, lookup, joined, calendar, units, ordering, letters)
