"""Identifiers that are known by their form: telephone numbers, addresses, postcodes, numbers, dates of birth."""

from __future__ import annotations

import re
from collections.abc import Iterator

from belonging_llm.deidentification.kinds import Finding, Kind

_DIGIT_WORD = r"(?:zero|oh|nought|one|two|three|four|five|six|seven|eight|nine|(?:double|triple)[ -]\w{3,5})"
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}"
_DAY_WORD = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|thirteenth|fourteenth|"
    r"fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|(?:twenty|thirty)[ -]\w{4,7}|thirtieth)"
)
_YEAR = r"(?:(?:19|20)\d\d|'\d\d|nineteen[ -](?:oh[ -])?[a-z]{3,9}(?:[ -][a-z]{3,5})?|two thousand(?: and [a-z]{3,9})?)"
_DATE = (
    rf"(?:\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:\d{{4}}|\d\d)|\d{{4}}-\d\d-\d\d"
    rf"|(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?|{_DAY_WORD})(?: of)? {_MONTH}(?:,? {_YEAR})?"
    rf"|{_MONTH} (?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)?|{_DAY_WORD})\b(?:,? {_YEAR})?)"
)
_TOP = r"(?:com|org|net|edu|gov|info|io|co|uk|ie|eu|de|fr|in|au|ca|us|me|app|dev|academy|ng|za|my|sg|nz|ac)"

# Each: kind, what people are told, pattern; the group `id`, where there is one, is what identifies.
_FORMS: tuple[tuple[Kind, str, str], ...] = (
    (Kind.EMAIL, "e-mail address", r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"),
    (
        Kind.EMAIL,
        "e-mail address in words",
        rf"\b[\w.-]{{1,40}}(?: (?:dot|underscore|dash) [\w-]{{1,40}}){{0,3}} at (?!the\b|a\b)[\w-]{{2,40}}"
        rf"(?: dot [\w-]{{1,20}}){{0,3}} dot {_TOP}\b",
    ),
    (Kind.URL, "web address", r"\bhttps?://[^\s<>\"')\]]{3,300}(?<![.,;:!?])"),
    (
        Kind.URL,
        "web address",
        rf"(?<![\w@.-])(?:www\.)?(?:[a-z\d][\w-]{{0,62}}\.){{1,4}}{_TOP}\b(?:/[^\s<>\"')\]]{{0,200}}(?<![.,;:!?]))?(?!@)",
    ),
    (Kind.HANDLE, "social handle", r"(?<![\w@./])@[A-Za-z_](?:[\w.]{1,28}\w)"),
    (
        Kind.HANDLE,
        "account name",
        r"\b(?:handle|username|user name|gamertag|insta(?:gram)?|snapchat|discord|tiktok|twitter|account)"
        r"(?: (?:name|handle))?(?: is| was|'s|:)(?: just)? (?P<id>(?=\S*[_.\d])[\w.#]{3,30}\w)",
    ),
    (
        Kind.PHONE,
        "telephone number",
        r"(?<![\w+])(?:\+|00)\d{1,3}[ .-]?(?:\(0\)[ .-]?)?\(?\d{1,5}\)?(?:[ .-]?\d{2,5}){1,4}(?!\w)",
    ),
    (Kind.PHONE, "telephone number", r"(?<![\w+])\(?0\d{2,5}\)?(?:[ .-]?\d{2,6}){1,4}(?!\w)"),
    (Kind.PHONE, "telephone number", r"(?<![\w+(])\(?[2-9]\d{2}\)?[ .-]\d{3}[ .-]\d{4}(?!\w)"),
    (Kind.PHONE, "telephone number in words", rf"\b{_DIGIT_WORD}(?:,? {_DIGIT_WORD}){{5,13}}\b"),
    (
        Kind.POSTCODE,
        "postcode",
        r"\b(?:GIR ?0AA|[A-PR-UWYZ](?:\d[\dA-HJKPSTUW]?|[A-HK-Y]\d[\dABEHMNPRVWXY]?) ?\d[ABD-HJLNP-UW-Z]{2})\b",
    ),
    (
        Kind.STUDENT_NUMBER,
        "student number",
        r"\b(?:student|candidate|registration|matriculation|enrolment|enrollment|library|staff|ID|UCAS|UCN)"
        r"(?: (?:number|no\.?|ID|card|code|ref(?:erence)?))*(?:,| is| was|'s|:|#| it's| ends in)*"
        r"[ #]{1,2}(?P<id>(?=[\w-]*\d{3})[A-Za-z]{0,3}-?\d[\d-]{3,11}[A-Za-z]?)\b",
    ),
    (Kind.STUDENT_NUMBER, "long number", r"(?<![\w+/.-])(?:[A-Za-z]{1,2}\d{6,9}|\d{7,10}[A-Za-z]?)(?![\w/-])"),
    (
        Kind.BIRTH,
        "date of birth",
        rf"\b(?:born|birthday|date of birth|d\.?o\.?b\.?|birth date)\b[^.?!\n]{{0,40}}?\b(?P<id>{_DATE})",
    ),
    (Kind.BIRTH, "date of birth", rf"(?P<id>\b{_DATE})(?= (?:is|was) (?:my|her|his) (?:birthday|date of birth))"),
    (Kind.BIRTH, "year of birth", rf"\bborn (?:back )?in (?:{_MONTH} )?(?P<id>{_YEAR})"),
)
_SMALL_POSTCODE = re.compile(r"\b[a-pr-uwyz][a-hk-y]?\d{1,2} \d[abd-hjlnp-uw-z]{2}\b")
_COMPILED = (
    *(
        (kind, f"rule: {how}", re.compile(pattern, 0 if kind is Kind.POSTCODE else re.IGNORECASE))
        for kind, how, pattern in _FORMS
    ),
    (Kind.POSTCODE, "rule: postcode", _SMALL_POSTCODE),
)
# Fewer digits are years, rooms and prices.
_DIGITS = 9


def by_form(text: str) -> Iterator[Finding]:
    """Every stretch with the form of an identifier; where two overlap the earlier rule counts."""
    taken = bytearray(len(text))
    for kind, how, pattern in _COMPILED:
        for match in pattern.finditer(text):
            start, end = match.span("id" if "id" in pattern.groupindex else 0)
            if any(taken[start:end]) or _too_short(kind, how, match[0]):
                continue
            taken[start:end] = b"\1" * (end - start)
            yield Finding(start, end, kind, how)


def _too_short(kind: Kind, how: str, words: str) -> bool:
    digits = sum(c.isdigit() for c in words)
    return kind is Kind.PHONE and not how.endswith("words") and digits < _DIGITS
