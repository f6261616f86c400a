"""A small codebook for these tests."""

BOOK = """id: own
name: Ours
codes:
- {id: top, name: Heading, assignable: false}
- {id: home, name: At home, parent: top, definition: It feels like home., examples: [I was at home.]}
- {id: group, name: The group, parent: top, definition: People who study together.}
"""
