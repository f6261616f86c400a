"""Prose is kept, the furniture of web pages is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.transcripts import Role, Transcript, parse_text
from belonging_llm.transcripts.prose import blocks, is_prose

BLOG = """---
title: A year at the kitchen table
author: Example Writer
---
<!-- exported from the old site; do not edit -->

# A year at the kitchen table

When I signed up I thought I would be done in a year, and I thought that I would do it alone.

I was wrong about both. By the second month there were five of us who met on Thursdays,
<!-- check: was it Wednesdays? --> and nobody ever called it a study group.

---

- [Home](https://example.org/)
- [About](https://example.org/about)

I still have the mug they sent me. It is chipped, and I would not swap it for anything.
"""

ARTICLE = """Home
News
Courses
Contact us

Skip to main content

We use cookies to improve this site. By continuing you accept our privacy policy.

# Learning far from campus

By Example Writer | 4 minute read

Most of the people I spoke to had never seen the building whose name is on their certificate.

## What they told me

"It is a strange thing to miss a place you have never been to," one of them said to me in the spring.

* [Ten tips for distance learners](https://example.org/tips)
* [How to plan your week](https://example.org/plan)

![A desk by a window](desk.jpg)

They spoke of small things: a tutor who remembered a name, a message at midnight, a joke that ran for a term.

Related articles
Belonging online
Why forums fail
Three questions for your dean

https://example.org/a https://example.org/b

Subscribe to our newsletter and never miss a story.

© 2026 Example Media. All rights reserved.
"""


def said(transcript: Transcript, role: Role) -> list[str]:
    return [transcript.said(turn) for turn in transcript.turns if turn.role is role]


def test_a_blog_posts_prose_is_its_authors_talk() -> None:
    post = parse_text(BLOG, name="kitchen", place="kitchen.md")
    assert post.kind == "prose"
    assert post.header["title"] == "A year at the kitchen table"
    assert said(post, Role.PARTICIPANT) == [
        "When I signed up I thought I would be done in a year, and I thought that I would do it alone.",
        "I was wrong about both. By the second month there were five of us who met on Thursdays,",
        "and nobody ever called it a study group.",
        "I still have the mug they sent me. It is chipped, and I would not swap it for anything.",
    ]
    assert {turn.participant for turn in post.turns if turn.role is Role.PARTICIPANT} == {"kitchen"}


def test_a_blog_posts_furniture_is_kept_as_boilerplate_and_comments_are_in_no_turn() -> None:
    post = parse_text(BLOG, name="kitchen", place="kitchen.md")
    assert "# A year at the kitchen table" in said(post, Role.BOILERPLATE)
    assert all(turn.participant is None for turn in post.turns if turn.role is Role.BOILERPLATE)
    everything = "\n".join(map(post.said, post.turns))
    assert "exported" not in everything
    assert "Wednesdays" not in everything
    assert "author" not in everything


def test_only_the_prose_of_a_web_article_is_talk() -> None:
    article = parse_text(ARTICLE, name="far", place="far.txt")
    assert said(article, Role.PARTICIPANT) == [
        "Most of the people I spoke to had never seen the building whose name is on their certificate.",
        '"It is a strange thing to miss a place you have never been to," one of them said to me in the spring.',
        "They spoke of small things: a tutor who remembered a name, a message at midnight, a joke that ran for a term.",
    ]


@pytest.mark.parametrize(
    "block",
    [
        "Home",
        "Learning far from campus",
        "## What they told me in the spring.",
        "Yes. No. Maybe.",
        "Words without an end of any kind whatever here",
        "This site uses cookies to make everything better for you.",
        "© 2026 Example Media, and some more words to follow.",
        "| a | b | c | d | e | f. |",
        "![A long description of a picture in words.](a.png)",
        "[A long title that is nothing but a link.](https://example.org/a)",
        "See https://example.org/a/very/long/address/that/goes/on/and/on and so on, it says.",
        "<nav>One and two and three and four and five.</nav>",
        "---",
        "```python and a few more words here.",
    ],
)
def test_furniture(block: str) -> None:
    assert not is_prose(block)


@pytest.mark.parametrize(
    "block",
    [
        "I found my people on a Thursday.",
        "Did anybody ever ask me how I was?",
        "I left, and nobody noticed at all\u2026",
        'She said to me, "You belong here with us."',
        "It was good (it really was, all of it.)",
        "We read [one paper](https://example.org/p) each week and talked about it until midnight, every week of term.",
        "*I had never felt so much at home anywhere.*",
        "word " * 50 + "and cookies were shared by all.",
    ],
)
def test_prose(block: str) -> None:
    assert is_prose(block)


@pytest.mark.parametrize(
    "block",
    [
        "In terms of belonging, I felt that I had found my place there.",
        "I had to log in every night at nine just to see my group.",
        "My mother baked cookies for the whole study group at Christmas.",
        "I did not sign up for this to sit alone in a kitchen.",
        "I wanted to share this with them because they knew me.",
    ],
)
def test_everyday_words_do_not_make_talk_furniture(block: str) -> None:
    """Short paragraphs of a participant's own must not vanish because a cookie notice uses the same word."""
    assert is_prose(block)


def test_text_right_below_a_heading_is_kept() -> None:
    text = "## My year\nI felt alone at first, and then the group\nfound me on a Tuesday evening.\n"
    transcript = parse_text(text, name="a", place="a.md")
    assert "found me on a Tuesday evening." in " ".join(said(transcript, Role.PARTICIPANT))


def test_a_paragraph_wrapped_at_a_wide_margin_is_kept_whole() -> None:
    lines = [
        "I was alone for the whole of the first term, and I do not think that anybody on the staff or in the class",
        "ever had any idea of how that was for me in the long evenings after work, with nobody there to ask until",
        "June came. Then it was over.",
    ]
    transcript = parse_text(f"{lines[0]} {lines[1][:22]}\n{lines[1][23:]}\n{lines[2]}", name="a", place="a.txt")
    assert said(transcript, Role.BOILERPLATE) == []


def test_blocks_are_paragraphs_and_long_lines_and_menus_come_line_by_line() -> None:
    paragraph = "A line of words that is not a list.\nAnother line of words that goes on like it."
    text = f"{paragraph}\n\nHome\nNews\n\n{'x' * 121}\nAnd a line of words below it.\n"
    assert [text[start:end] for start, end in blocks(text)] == [
        paragraph,
        "Home",
        "News",
        "x" * 121,
        "And a line of words below it.",
    ]


@given(st.lists(st.sampled_from(["a b c d e f g.", "Home", " ", "", "\t", "x" * 130, "é", "\u2028", "\x0b", "# H"])))
def test_blocks_hold_every_character_that_is_not_space(lines: list[str]) -> None:
    text = "\n".join(lines)
    held: list[int] = []
    for start, end in blocks(text):
        assert 0 <= start < end <= len(text)
        held += range(start, end)
    assert held == sorted(set(held))
    assert {i for i, c in enumerate(text) if not c.isspace()} <= set(held)
