"""Documents that are not interviews: their furniture never becomes something to code."""

from __future__ import annotations

from pathlib import Path

import pytest

from belonging_llm.segments import split
from belonging_llm.transcripts import read

BLOG = """---
title: Ten ways to belong from your kitchen table
author: An invented author
tags: [belonging, online]
---

<!-- Draft of an invented post. Remember to ask the editor about the picture
before this goes out. -->

# Ten ways to belong

When I began my degree I thought that belonging was something that happened to other people, on lawns. It took me a
year to see that it had been happening in a group chat at midnight.

## 1. Say the small thing

Nobody remembers the long post. They remember that you wrote "me too" under theirs when they were tired.

![A kitchen table](table.png)

- [Home](/) [About](/about) [Contact](/contact)

<!-- share buttons -->
Subscribe to our newsletter!
"""
ARTICLE = """Skip to content
Home
Courses
Research
News and events
Log in
We use cookies to improve your visit. Accept all cookies
How online students find their people
By A. Writer | 4 minute read
For most of the students who spoke to us the course itself was never the difficult part; what wore them down was the silence after they had closed the laptop.
Some found each other through a reading group that nobody had planned. They met on Sundays, cameras off, and stayed for three years.
Related articles
Why campuses matter
What is a tutorial?
Share this article on social media
Privacy policy
Terms of use
© An invented university
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "blog.md").write_text(BLOG, encoding="utf-8")
    (tmp_path / "article.txt").write_text(ARTICLE, encoding="utf-8")
    return tmp_path


def test_a_blog_post_is_its_prose(folder: Path) -> None:
    texts = [s.text for s in split(read(folder / "blog.md"))]
    assert len(texts) == 2
    assert texts[0].startswith("When I began my degree")
    assert texts[1].startswith("Nobody remembers the long post.")


def test_an_article_is_its_prose(folder: Path) -> None:
    texts = [s.text for s in split(read(folder / "article.txt"))]
    joined = " ".join(texts)
    assert "the silence after they had closed the laptop" in joined
    assert "They met on Sundays" in joined
    for furniture in ("Home", "cookies", "Log in", "Related", "Privacy", "Share this", "minute read", "©"):
        assert furniture not in joined


def test_nothing_of_a_document_is_lost(folder: Path) -> None:
    for name in ("blog.md", "article.txt"):
        transcript = read(folder / name)
        kept = "".join(transcript.said(turn) for turn in transcript.turns)
        for line in ("Subscribe to our newsletter!", "Ten ways to belong") if name == "blog.md" else ("Home", "©"):
            assert line in kept
