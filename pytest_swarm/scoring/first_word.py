"""What a text decides by its first word, or by words that do no more than assent or deny.

First words are found after words that lead in: "Well, yes, ...", "Not at all.", "不是。". Assents: "Sure!", "It isn't."
"""

from __future__ import annotations

import re
from typing import Final

from pytest_swarm.scoring.patterns import ADVERB, one_of
from pytest_swarm.scoring.verdict import AnswerPlace, Reading

_LEAD_IN_WORDS: Final = one_of(
    "well, oh, hmm+, ok, okay, sure, in short, short answer, in summary, in conclusion, overall, to be clear, "
    "i think, i believe, i would say, i'd say, i say, my answer, the answer(?: is)?, therefore, thus, hence, so, "
    "then, that, just, most, indeed, in fact, leider, malheureusement, lamentablemente, purtroppo, das ist, "
    "das, c['’]est, es, è, é, это, almost, great question, good question, let me think, be, "
    f"a (?:clear|definite|resounding|firm|big), {ADVERB}"
)
_OPTION: Final = r"(?:(?:option|choice) )?[a-d][).:](?=\s(?:yes|no|true|false)\b)"  # "(A) Yes"
_LEAD_IN: Final = re.compile(rf"(?:[\s\"'(\[{{:;,=>*.!-]|{_LEAD_IN_WORDS}\b(?=\W)|{_OPTION})*", re.IGNORECASE)
_FIRST_YES: Final = one_of(
    "yes, yep, yeah, yup, true, correct, affirmative, absolutely, definitely, ja, jawohl, oui, sí, sì, si, sim, да, "
    "auf jeden fall, wahr, richtig, stimmt, vrai, cierto, verdadero, verdadeiro, vero, верно, правда, verdade"
)
_FIRST_NO: Final = one_of(
    "no, nope, nah, false, incorrect, untrue, wrong, never, negative, nein, non, não, нет, "
    "falsch, faux, falso, неверно, ложь"
)
_FIRST_CJK: Final = re.compile(
    r"[\s\"'(:\uff1a]*(?:(?P<no>不是的?|不对|不正确|不会|不能|不|否|错误?|没有|いいえ|아니[요오])"
    r"|(?P<yes>是的?|对的?|正确|没错|会|能|可以|はい|네|예))(?=[\s,.!;:\uff0c\u3002\uff01\u3001\uff1b\uff1a\"')]|$)"
)
_FIRST: Final = re.compile(
    rf"(?:(?P<yes>{_FIRST_YES})|(?P<no>{_FIRST_NO}))(?!\w|-\w|'\w|,? (?:und|et|y|e|и) n)", re.IGNORECASE
)
_FIRST_DENIED: Final = re.compile(
    r"(?:(?:das |es )?stimmt nicht|das ist nicht (?:richtig|wahr|korrekt|der fall)"
    r"|ce n['’]est pas (?:vrai|exact|correct)|non è (?:vero|corretto)"
    r"|não é (?:verdade|correto)|это (?:не ?верно|не так|неправда))\b|"
    rf"(?:{ADVERB}|of course|i['’]m afraid) not(?=\s*[.,;:!]|\s*$)|far from it\b|(?:almost |most )?"
    + one_of("absolutely, definitely, certainly, of course, clearly, obviously, probably")
    + r" not\b|"
    + one_of("natürlich nicht, auf keinen fall, keineswegs, bien sûr que non, pas du tout, claro que no, certo che no")
    + r"\b|"
    + one_of("not at all, by no means, under no circumstances, no way, never")
    + r"\b|not "
    + one_of("really, quite, necessarily, exactly, always, entirely")
    + r"\b(?! (?:known|clear|certain|sure|obvious|definitive|possible|as))",
    re.IGNORECASE,
)
_ALSO_ATTRIBUTES: Final = frozenset(
    {
        *(
            "true",
            "correct",
            "wrong",
            "cierto",
            "stimmt",
            "verdade",
            "definitely",
            "absolutely",
            "never",
            "negative",
            "si",
            "non",
        ),
        *("richtig", "vrai", "vero", "falsch", "faux", "falso"),
    }
)
_JUDGED: Final = re.compile(  # "Yes would be wrong."
    r"[\"']?\s(?:is|was|would be)\s(?:(?:a|the|clearly|simply)\s)?"
    r"(?:(?P<wrong>wrong|incorrect)|right|correct|the answer)\b"
)
_SUBJECT: Final = "(?:it|they|he|she|this|that|there|you|we)"
_VERB: Final = "(?:is|are|was|were|does|do|did|can|could|will|would|has|have|had|should|must)"
_ASSENT: Final = re.compile(
    r"\W*(?:sure(?: thing)?|of course|certainly|indeed|exactly|precisely"
    r"|claro(?: que s[ií])?|por supuesto|bien sûr|natürlich|(?:yes,? )?i (?:think|believe) so"
    r"|(?:yes,? )?i (?:\w+ly )?agree(?: with (?:this|that|the|it)\b[^.,;]{0,40})?|you bet"
    r"|without (?:a )?(?:any )?doubt|y|no_(?:doubt|question)(?: about (?:it|that))?|agreed|probably"
    r"|(?:very |most |highly |quite )?likely|(?:yes,? )?you(?:['’]re| are) (?:absolutely |quite )?(?:right|correct)"
    rf"|(?:(?:indeed|of course|certainly|surely|sure|absolutely|exactly),? )?{_SUBJECT} {_VERB}(?: indeed)?)\W*",
    re.IGNORECASE,
)
_DISSENT: Final = re.compile(
    r"\W*(?:(?:i|we) (?:do|would)(?:n't| not) (?:think|believe|say) so\b"
    r"|(?:(?:no,? )?i (?:\w+ly )?(?:disagree|(?:do not|don't|cannot|can't) agree)\b)"
    r"|nothing could be (?:further|farther) from the truth\b"
    r"|(?:i (?:\w+ly )?doubt (?:it|that|so)|(?:very |highly |most )?(?:unlikely|improbable|doubtful)"
    r"|not (?:yet|any ?more))\W*$"
    rf"|(?:n|hardly|(?:(?:no,? )?{_SUBJECT} (?:{_VERB} not|(?:{_VERB}|ca|wo)n't|cannot)))\W*$)",
    re.IGNORECASE,
)
NOUN: Final = re.compile(r"[^\S\n]+(?!because|since|as|for|-)\w")


def first_word(words: str, place: AnswerPlace) -> Reading[bool] | None:
    """Return what the first word of a text in plain words says; None where it is no word of assent or denial."""
    lead_in = _LEAD_IN.match(words)
    start = 0 if lead_in is None else lead_in.end()
    denied = _FIRST_DENIED.match(words, start) or _FIRST_DENIED.match(words.lstrip(" \"'("))
    if denied is not None:
        return decision(denied[0], place, yes=False)
    first = _FIRST.match(words, start) or _FIRST.match(words)
    if first is None:
        foreign = _FIRST_CJK.match(words)
        return None if foreign is None else decision(foreign[0], place, yes=foreign["yes"] is not None)
    word = first[0].lower()
    if word in _ALSO_ATTRIBUTES and NOUN.match(words, first.end()):
        return None  # "true leap years", "correct answers"
    judged = _JUDGED.match(words, first.end())
    wrong_word = judged is not None and judged["wrong"] is not None
    return decision(first[0], place, yes=first["yes"] is not None, denied=wrong_word)


def assent(words: str) -> Reading[bool] | None:
    """Return what a text says that is no more than "Sure!", "I agree." or "I don't think so."; None for any other."""
    yes = decision(words, AnswerPlace.FIRST_WORD, yes=True) if _ASSENT.fullmatch(words) else None
    return dissent(words) or yes


def dissent(words: str) -> Reading[bool] | None:
    """Return the no of a text that is no more than "It isn't." or "I don't think so."; None for any other."""
    return decision(words, AnswerPlace.FIRST_WORD, yes=False) if _DISSENT.match(words) else None


def decision(text: str, place: AnswerPlace, *, yes: bool, denied: bool = False) -> Reading[bool]:
    """Return the reading of words that decide; `denied` turns it round."""
    return Reading(values=(yes is not denied,), text=text.strip(" ,;:—–-\"'("), place=place)
