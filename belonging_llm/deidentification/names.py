"""Names of people, universities and places, known by the words around them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from belonging_llm.deidentification.kinds import Finding, Kind

# A capitalised word: O'Brien, Anne-Marie, MacLeod, Łukasz; and several in a row, with the small words within names.
_CAP = (
    r"(?<![^\W_])(?:(?:O|D|Mac|Mc|de|Al)['’-]?)?[^\W\d_a-zß-öø-ÿ][^\W\d_A-Z]+"
    r"(?:[-'’][^\W\d_][^\W\d_]+)*(?<!['’]s)(?![^\W_])"
)
_NAME = rf"{_CAP}(?: (?:(?:van|von|de|der|den|la|al|bin|ibn|da|dos|ter) ){{0,2}}{_CAP}){{0,3}}"
_KIN = (
    "husband|wife|partner|boyfriend|girlfriend|fiancé|fiancée|son|daughter|brother|sister|mum|mam|mother|dad|father|"
    "friend|mate|colleague|boss|manager|supervisor|tutor|lecturer|professor|teacher|flatmate|housemate|neighbour|"
    "cousin|nephew|niece|uncle|aunt|auntie|aunty|nan|gran|granny|grandad|lad|boy|girl|baby|mentor|adviser|advisor|"
    "course leader|programme leader|module leader|line manager|classmate|roommate|twin|stepson|nana|grandma"
)
_WORD = r"(?:University|Uni|College|Polytechnic|Institute|Academy|Conservatoire|School|Hospital|Infirmary)"
_CUES: tuple[tuple[Kind, str, str], ...] = (
    (
        Kind.PERSON,
        "said as a name",
        rf"\b(?:[Mm]y name(?:'s|’s| is| was)|[Cc]all(?:ed)? me|[Nn]ame of) (?P<id>{_NAME})",
    ),
    (
        Kind.PERSON,
        "said as a name, in small letters",
        r"\b(?:my name(?:'s| is)|my real name(?:'s| is)|(?:they |everyone |everybody )?calls? me) "
        r"(?P<id>(?!not|on|in|the|a|an|and|just|is|was|wrong|spelt|spelled|at|to|the|up|back|out|if|when|by|that|it|"
        r"now|lazy|mad|stupid|names|first|something|sir|later|every|as|because|my|i|they|from|for|of)[a-z]{3,14})\b",
    ),
    (
        Kind.PERSON,
        "introduces themselves",
        rf"\b(?:I['’]?m|I am|[Tt]his is|[Ii]t['’]?s) (?P<id>{_NAME})(?=[,.!]|$| (?:here|from|by the way|and I\b))",
    ),
    (
        Kind.PERSON,
        "title",
        rf"\b(?:Dr|Prof|Professor|Doctor|Mr|Mrs|Ms|Miss|Mx|Sir|Dame|Rev|Sister|Father|Canon|Lord|Lady)\.?\s"
        rf"(?P<id>{_NAME})",
    ),
    (
        Kind.PERSON,
        "title, in small letters",
        r"\b(?:dr|prof|professor|mr|mrs|ms)\.? (?P<id>(?!in|of|and|who|at|the|is|was|said|told|for|from|with|had|has|"
        r"that|to|or|but|on|asked|then|he|she|they|so|emailed|wrote|marked|i|a|as|because|if|just|there|when)[a-z]{3,14})\b",
    ),
    (
        Kind.PERSON,
        "relation",
        rf"\b(?:[Mm]y|[Mm]e|[Oo]ur|[Hh]is|[Hh]er|[Tt]heir)(?: (?:\w+ )?(?:{_KIN}))?,? (?P<id>{_NAME})",
    ),
    (
        Kind.PERSON,
        "relation, in small letters",
        r"\bmy (?:husband|wife|partner|son|daughter|brother|sister|tutor|supervisor|mate|flatmate|cousin|auntie|boss) "
        r"(?P<id>(?!who|was|is|and|said|had|has|would|could|works?|does|did|in|at|to|on|got|thinks?|came|comes|goes|went|"
        r"for|from|or|but|always|never|still|also|just|because|told|as|so|with|helped|gave|then|will|that|when|if|she|he|"
        r"they|the|a|an|i|it|says?|never|used|looks?|lives?|takes?|took|keeps?|asked|about|can|there|here|might|being|"
        r"made|makes?|knows?|sent|wrote|left|died|calls?|called|gets?|now|again|once|who's|doesn|didn|isn|hasn|wouldn|of)"
        r"[a-z]{3,14})\b(?!['’]t)",
    ),
    (Kind.PERSON, "called", rf"\b(?:called|named|nicknamed|known as) (?P<id>{_NAME})"),
    (
        Kind.UNIVERSITY,
        "university",
        r"\b(?:University|Uni|College|Institute|Polytechnic|School|Academy) of (?:the )?"
        rf"(?P<tail>{_NAME}(?: and {_CAP})?)",
    ),
    (Kind.UNIVERSITY, "university", rf"\b(?P<id>{_NAME} (?:(?:Open|Metropolitan|State|Technical|City) )?{_WORD})\b"),
    (
        Kind.UNIVERSITY,
        "university, in small letters",
        r"\b(?P<id>(?!the|a|an|at|my|this|that|your|our|every|any|some|no|of|to|in|same|first|open|another|other|one|for|"
        r"whole|new|old|and|with|is|real|proper|online|distance|his|her|their|which|each|good|big|from|about|than|whose|"
        r"actual|normal|local|british|english|own|was|on|by|brick|red|sixth|free|virtual)[a-z]{4,14} university)\b",
    ),
    (
        Kind.UNIVERSITY,
        "university",
        rf"\b(?:[Ss]tud(?:y|ied|ying)|enrolled|degree|course|student|MA|MSc|MBA|PhD)(?: \w+){{0,5}} (?:at|with) "
        rf"(?P<id>{_NAME}|[A-Z]{{3,5}})\b",
    ),
    (
        Kind.PLACE,
        "place",
        r"\b(?:[Ll]ive|[Ll]ived|[Ll]iving|[Bb]orn|[Gg]rew up|[Rr]aised|[Mm]oved|[Ff]lat|[Hh]ouse|[Bb]ased|[Cc]ommut\w+|"
        rf"[Tt]ravel\w*)(?: \w+){{0,2}} (?:in|to|from|near|outside|at) (?:the )?(?P<id>{_NAME})",
    ),
    (Kind.PLACE, "place", rf"\b(?:in|from|near|outside|around|across|over in|up in|down in|back to) (?P<id>{_NAME})"),
    (
        Kind.PLACE,
        "address",
        rf"\b(?:(?:number )?\d{{1,4}}[a-z]?,? )?{_NAME} (?:Street|Road|Lane|Avenue|Close|Drive|Terrace|Gardens|"
        r"Crescent|Way|Place|Court|Hill|Grove|Row|Walk|Square)\b",
    ),
    (
        Kind.PLACE,
        "place, in small letters",
        r"\b(?:live|lived|living|grew up|based|born) in (?P<id>(?!the|a|an|my|our|halls|one|two|this|that|different|"
        r"shared|fear|another|their|some|his|her|it|between|student|which|january|february|march|april|may|june|july|august|"
        r"september|october|november|december|nineteen|two|and|with|such|private|sin|rural|town|what|a|hope)[a-z]{4,14})\b",
    ),
)
_COMPILED = tuple((kind, f"rule: {how}", re.compile(pattern)) for kind, how, pattern in _CUES)
_ANY = re.compile(_NAME)
# Capitalised, and nobody's name.
_COMMON = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays
    sundays january february march april june july august september october november december christmas easter eid
    ramadan diwali god lord jesus english british welsh scottish irish french german spanish italian polish chinese
    indian african american european asian nigerian pakistani arabic hindi urdu punjabi latin greek bengali somali
    muslim christian catholic jewish hindu sikh buddhist islam zoom moodle blackboard canvas teams whatsapp facebook
    discord youtube google gmail outlook slack instagram twitter tiktok snapchat linkedin netflix spotify excel word
    powerpoint turnitin microsoft apple android iphone ipad wikipedia amazon tesco ikea python excel internet web
    wifi covid msc phd mba bsc interviewer participant hello hi hey thanks thank yes yeah yep no nope ok okay well
    so and but because now then right sure oh ah um er erm hmm wow sorry please what when where who why how which
    there here this that these those they them their it its he she his her him we us our you your my me i if or as
    at in on to for of with by from up down out not just like maybe perhaps anyway honestly actually basically
    everybody everyone everything somebody someone something nobody nothing anybody anyone dear madam sir dr prof
    mr mrs ms miss mum mam mom dad nan gran grandma grandad granny father mother auntie aunty uncle sister brother
    dads mums email wednesdays week unit module level part section chapter master masters bachelor doctorate degree
    nursing education business history science management
    """.split()
)
_STARTS = re.compile(r"(?:^|[.!?…:;\"“”‘\n\[(–—-]|\.\.\.)[\s\"“‘'*_(\[]*$")


def by_words_around(text: str) -> Iterator[Finding]:
    """Names that the words around them give away; where two overlap the earlier rule counts."""
    taken = bytearray(len(text))
    for kind, how, pattern in _COMPILED:
        for match in pattern.finditer(text):
            start, end = match.span("id" if "id" in pattern.groupindex else 0)
            start, end = _without_common(text, start, end)
            if start < end and not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                yield Finding(start, end, kind, how)


def by_capitals(text: str, small: Collection[str]) -> Iterator[Finding]:
    """Capitalised words within sentences.

    Args:
        small: Words that the study also writes in small letters, which are hardly names.
    """
    for match in _ANY.finditer(text):
        start, end = _without_common(text, *match.span())
        if start >= end or _STARTS.search(text, max(0, start - 12), start) or start == 0:
            continue
        if not all(word.casefold() in small for word in re.findall(r"[^\W\d_]+", text[start:end])):
            yield Finding(start, end, Kind.NAME, "rule: capital within a sentence")


def small_words(text: str) -> set[str]:
    """Words written in small letters somewhere."""
    return {word for word in re.findall(r"[^\W\d_]+", text) if word.islower()}


def _without_common(text: str, start: int, end: int) -> tuple[int, int]:
    """A name without words before and after it that are only capitalised."""
    words = list(re.finditer(r"\S+", text[start:end]))
    while words and _is_common(words[0][0]):
        words.pop(0)
    while words and _is_common(words[-1][0]):
        words.pop()
    if not words:
        return start, start
    return start + words[0].start(), start + words[-1].end()


def _is_common(word: str) -> bool:
    return re.sub(r"['’].*", "", word).casefold() in _COMMON
