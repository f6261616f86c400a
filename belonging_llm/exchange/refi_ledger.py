"""What is known while a REFI-QDA file is read: GUIDs, users, codes, notes, and an account of what is left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from lxml import etree

from belonging_llm.exchange.guids import Register, tidy
from belonging_llm.exchange.project import LeftOut, User
from belonging_llm.exchange.refi_xml import children

# So many things are named one by one for each reason; the others are counted together.
_NAMED = 200


class Names:
    """Names that are given once each: one that is taken gets a number."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def take(self, name: str) -> str:
        """The name, or the name with the next free number."""
        found = name
        while found in self._taken:
            self._taken[name] += 1
            found = f"{name} ({self._taken[name]})"
        self._taken[found] = 1
        return found


class Ledger:
    """Keeps account of one file.

    Attributes:
        guids: Hands out each GUID once.
        codes: GUIDs that are used by those that the file says; `memos` likewise.
        notes: What was put right on the way, in words.
    """

    def __init__(self, scope: str) -> None:
        """Begin a file, named by its digest."""
        self.guids = Register(scope)
        self.codes: dict[str, str] = {}
        self.memos: dict[str, str] = {}
        self.notes: list[str] = []
        self.unresolved = 0
        self._users: dict[str, str] = {}
        self._left_out: dict[str, list[LeftOut]] = defaultdict(list)
        self._more: dict[str, list[int]] = defaultdict(lambda: [0, 0])

    def leave(self, what: str, why: str, codings: int = 0) -> None:
        """Note that something is left out."""
        if len(self._left_out[why]) < _NAMED:
            self._left_out[why].append(LeftOut(what=what, why=why, codings=codings))
        else:
            self._more[why][0] += 1
            self._more[why][1] += codings

    def left_out(self) -> tuple[LeftOut, ...]:
        """Everything that is left out."""
        named = [one for same in self._left_out.values() for one in same]
        more = [LeftOut(what=f"{n} more like these", why=why, codings=c) for why, (n, c) in self._more.items()]
        return (*named, *more)

    def know_user(self, given: str, guid: str) -> None:
        """A user whom the file lists."""
        self._users.setdefault(tidy(given) or guid, guid)

    def user(self, *given: str) -> str:
        """The first of these users that is named; one who is not among the users becomes one."""
        for wanted in map(tidy, given):
            if wanted:
                return self._users.setdefault(wanted, wanted)
        return ""

    def strangers(self, users: Sequence[User]) -> Iterator[User]:
        """Users who coded and are not listed."""
        listed = {user.guid for user in users}
        for number, stranger in enumerate(sorted(set(self._users.values()) - listed), 1):
            self.notes.append(f"a user who is not listed coded; they are called unlisted user {number}")
            yield User(guid=stranger, name=f"unlisted user {number}")

    def refs(self, holder: etree._Element, tag: str = "NoteRef") -> tuple[str, ...]:
        """Notes that an element refers to."""
        wanted = [tidy(ref.get("targetGUID", "")) for ref in children(holder, tag)]
        self.unresolved += sum(one not in self.memos for one in wanted)
        return tuple(dict.fromkeys(self.memos[one] for one in wanted if one in self.memos))

    def remarks(self) -> Iterator[str]:
        """What somebody should know of the reading."""
        yield from self.notes[:_NAMED]
        if len(self.notes) > _NAMED:
            yield f"{len(self.notes) - _NAMED} more such remarks"
        if self.guids.made:
            yield f"{self.guids.made} GUIDs were missing or used twice and were made anew"
        if self.unresolved:
            yield f"{self.unresolved} references to notes lead nowhere and were left out"
