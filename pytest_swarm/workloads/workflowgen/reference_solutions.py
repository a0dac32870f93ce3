"""Solutions of the coding steps. Each docstring is the task's wording, and each source text the reference answer.

So every function stands alone: no imports, no helpers.
"""

from __future__ import annotations


def largest(numbers: list[int]) -> int:
    """It returns the largest number of a list that is never empty."""
    return max(numbers)


def total(numbers: list[int]) -> int:
    """It returns the sum of the numbers of a list."""
    return sum(numbers)


def count_vowels(text: str) -> int:
    """It returns how many letters of a text are vowels (a, e, i, o, u)."""
    return sum(letter in "aeiou" for letter in text)


def count_even(numbers: list[int]) -> int:
    """It returns how many numbers of a list are even; 0 and negative ones count as well."""
    return sum(number % 2 == 0 for number in numbers)


def initials(text: str) -> str:
    """It returns the first letter of each word of a text, in capitals and joined; words are parted by spaces."""
    return "".join(word[0].upper() for word in text.split())


def gcd(a: int, b: int) -> int:
    """It returns the greatest common divisor of two positive whole numbers, without importing anything."""
    while b:
        a, b = b, a % b
    return a


def run_lengths(text: str) -> list[list[str | int]]:
    """It returns the runs of equal characters of a text, in order, each as a list of the character and its count."""
    runs: list[list[str | int]] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or text[place] != text[start]:
            runs.append([text[start], place - start])
            start = place
    return runs


def digit_root(number: int) -> int:
    """It adds up the digits of a positive whole number, again and again until one digit is left, and returns that."""
    while number > 9:
        number = sum(int(digit) for digit in str(number))
    return number


def second_largest(numbers: list[int]) -> int | None:
    """It returns the second largest of the different numbers of a list, and None where there are fewer than two."""
    different = sorted(set(numbers))
    return different[-2] if len(different) > 1 else None


def balanced(text: str) -> bool:
    """It returns True where the brackets (), [] and {} of a text are closed in the right order; the rest is ignored."""
    opening = {")": "(", "]": "[", "}": "{"}
    stack: list[str] = []
    for sign in text:
        if sign in "([{":
            stack.append(sign)
        elif sign in opening and (not stack or stack.pop() != opening[sign]):
            return False
    return not stack


def from_roman(numeral: str) -> int:
    """It returns the number that a valid Roman numeral in capitals stands for."""
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
    number = 0
    for place, sign in enumerate(numeral):
        smaller = place + 1 < len(numeral) and values[sign] < values[numeral[place + 1]]
        number += -values[sign] if smaller else values[sign]
    return number


def prime_factors(number: int) -> list[int]:
    """It returns the list of prime factors of a positive whole number, ascending, with repeats; it is empty for 1."""
    factors: list[int] = []
    divisor = 2
    while number > 1:
        if number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        else:
            divisor += 1
    return factors


def longest_rise(numbers: list[int]) -> int:
    """It returns the length of the longest strictly rising subsequence of a list, whose numbers may have gaps."""
    lengths: list[int] = []
    for place, number in enumerate(numbers):
        lengths.append(1 + max((lengths[k] for k in range(place) if numbers[k] < number), default=0))
    return max(lengths, default=0)


def edit_distance(left: str, right: str) -> int:
    """It returns the least number of letters to insert, delete or replace to turn one text into the other."""
    row = list(range(len(right) + 1))
    for done, letter in enumerate(left, 1):
        before, row[0] = row[0], done
        for place, other in enumerate(right, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != other))
    return row[-1]


def best_sum(numbers: list[int]) -> int:
    """It returns the largest sum of one or more neighbouring numbers of a list that is never empty."""
    best = ending = numbers[0]
    for number in numbers[1:]:
        ending = max(number, ending + number)
        best = max(best, ending)
    return best
