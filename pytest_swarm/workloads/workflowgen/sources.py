"""Steps without input: documents to read, tables to look up, dates, units, orders and texts to work out.

The level is what makes each of them hard: more lines, more figures beside the point, more operations in a row.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Final

from pytest_swarm.domain.formula import WEEKDAYS
from pytest_swarm.domain.task import TaskType
from pytest_swarm.workloads.workflowgen.draw import Draw
from pytest_swarm.workloads.workflowgen.step import GeneratedStep, Maker, Spot, number_step, record_step

CITIES: Final = ("Oslo", "Porto", "Ghent", "Turin", "Lyon", "Graz", "Cork", "Brno", "Malmo", "Riga")
NAMES: Final = ("Ada", "Bruno", "Chloe", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas")
GOODS: Final = ("lamps", "chairs", "pumps", "cables", "drills", "valves", "shelves", "motors", "filters", "sensors")
MODULES: Final = ("auth", "billing", "cache", "mail", "search", "upload")
_ASIDES: Final = (
    "Our order number is {}.",
    "Last month's invoice came to {} euros and has been settled.",
    "For questions call extension {}.",
    "The parcel weighs {} kilograms.",
    "An earlier offer of {} euros no longer holds.",
    "You have collected {} bonus points.",
    "Customers since 1998 get {} stamps.",
    "The warehouse has {} square metres.",
)


def invoice(draw: Draw, spot: Spot) -> GeneratedStep:
    """Net amount, shipping, amount paid and city of an invoice; two sentences beside the point per level above 1."""
    net, shipping, paid = draw.between(200, 2000), draw.between(10, 90), draw.between(20, 190)
    city = draw.pick(CITIES)
    sentences = [
        f"The goods come to {net} euros net.",
        f"Shipping costs {shipping} euros.",
        f"We have received your payment of {paid} euros in advance.",
        f"The invoice goes to our branch in {city}.",
    ]
    asides = [aside.format(draw.between(100, 999)) for aside in draw.sample(_ASIDES, 2 * (spot.level - 1))]
    text = " ".join(draw.shuffled(sentences + asides))
    ask = (
        f"Read this invoice and find the net amount (net), the shipping cost (shipping), what was paid in advance "
        f"(paid), all in euros as whole numbers, and the city of the branch (city).\n\nInvoice: {text}\n\n"
    )
    return record_step(TaskType.EXTRACTION, ask, {"net": net, "shipping": shipping, "paid": paid, "city": city})


def log(draw: Draw, spot: Spot) -> GeneratedStep:
    """Counts of errors and warnings in a log of 4 + 4 x level lines, and the code of the last error."""
    lines: list[str] = []
    errors = warnings = last = 0
    count = 4 + 4 * spot.level
    for number in range(count):
        kind = "ERROR" if number == count // 2 else draw.pick(("INFO", "INFO", "WARNING", "ERROR"))
        code = draw.between(100, 599)
        errors += kind == "ERROR"
        warnings += kind == "WARNING"
        last = code if kind == "ERROR" else last
        stamp = f"{8 + number // 20:02}:{number * 3 % 60:02}"
        lines.append(f"{stamp} {kind} {draw.pick(MODULES)} code={code}")
    ask = (
        "Read this log. How many lines are of level ERROR (errors), how many of level WARNING (warnings), and what is "
        "the code of the last ERROR (code)?\n\n" + "\n".join(lines) + "\n\n"
    )
    return record_step(TaskType.EXTRACTION, ask, {"errors": errors, "warnings": warnings, "code": last})


def lookup(draw: Draw, spot: Spot) -> GeneratedStep:
    """One cell of a table of goods and cities; more of both with the level."""
    goods = draw.sample(GOODS, min(10, 3 + spot.level))
    cities = draw.sample(CITIES, 1 + spot.level)
    stock = {(good, city): draw.between(12, 980) for good in goods for city in cities}
    rows = [f"{good} | " + " | ".join(str(stock[good, city]) for city in cities) for good in goods]
    good, city = draw.pick(goods), draw.pick(cities)
    table = "\n".join(["goods | " + " | ".join(cities), *rows])
    ask = f"The table shows how many pieces are in stock in each city.\n\n{table}\n\nHow many {good} are in {city}?"
    return number_step(TaskType.EXTRACTION, ask, stock[good, city])


def joined(draw: Draw, spot: Spot) -> GeneratedStep:
    """A sum over two tables: what all goods of one supplier cost together; 3 + level goods."""
    goods = draw.sample(GOODS, 3 + spot.level)
    suppliers = draw.sample(NAMES, 2 + spot.level // 3)
    source = {good: draw.pick(suppliers) for good in goods}
    price = {good: draw.between(11, 99) for good in goods}
    wanted = source[goods[0]]
    first = "\n".join(f"{good}: {price[good]} euros" for good in draw.shuffled(goods))
    second = "\n".join(f"{good} come from {source[good]}" for good in draw.shuffled(goods))
    ask = (
        f"Prices:\n{first}\n\nSuppliers:\n{second}\n\nSomebody buys one of each of the goods that come from {wanted}. "
        "What do they cost together, in euros?"
    )
    return number_step(TaskType.REASONING, ask, sum(price[good] for good in goods if source[good] == wanted))


def calendar(draw: Draw, spot: Spot) -> GeneratedStep:
    """A date after `level` moves by days and weeks, forwards and backwards."""
    start = date(2026, 1, 1) + timedelta(days=draw.below(300))
    day, moves = start, []
    for _ in range(spot.level):
        days, back = draw.between(3, 40), draw.below(3) == 0
        weeks = draw.below(2)
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


def units(draw: Draw, spot: Spot) -> GeneratedStep:
    """A sum of `level` amounts, each to be converted to its smaller unit first."""
    parts = [(draw.between(2, 39), unit) for unit in draw.sample(_UNITS, spot.level)]
    asked = ", ".join(f"{count} {large} in {small}" for count, (large, small, _) in parts)
    ask = f"Convert {asked}." + (" Add up the figures, whatever their units." if len(parts) > 1 else "")
    return number_step(TaskType.MATH, f"{ask} Which number do you get?", sum(n * unit[2] for n, unit in parts))


def ordering(draw: Draw, spot: Spot) -> GeneratedStep:
    """Who stands at one place of a row of 2 + level people, from one clue per pair of neighbours, in mixed order."""
    row = draw.sample(NAMES, 2 + spot.level)
    clues = [
        f"{left} stands directly before {right}." if draw.below(2) else f"{right} stands directly behind {left}."
        for left, right in pairwise(row)
    ]
    place = draw.below(len(row))
    ask = (
        f"{len(row)} people stand in a row. {' '.join(draw.shuffled(clues))} Who stands at place {place + 1}, counted "
        "from the front?"
    )
    return record_step(TaskType.REASONING, ask, {"name": row[place]})


def letters(draw: Draw, spot: Spot) -> GeneratedStep:
    """A word after `level` changes: turned round, shifted, letters doubled or dropped."""
    word = "".join(draw.pick("abcdefghiklmnoprstuvw") for _ in range(4 + spot.level))
    text, rules = word, []
    for _ in range(spot.level):
        kind = draw.below(4)
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


SOURCES: Final[tuple[Maker, ...]] = (invoice, log, lookup, joined, calendar, units, ordering, letters)
