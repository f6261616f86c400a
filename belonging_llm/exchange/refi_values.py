"""Read variables of a REFI-QDA project and what cases and sources have for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from belonging_llm.exchange.guids import tidy
from belonging_llm.exchange.project import Variable
from belonging_llm.exchange.refi_ledger import Ledger, Names
from belonging_llm.exchange.refi_xml import children, elements, grouped, tag_of, text_of

KINDS = ("Text", "Boolean", "Integer", "Float", "Date", "DateTime")
_VALUES = tuple(f"{kind}Value" for kind in KINDS)


def variables_of(ledger: Ledger, root: etree._Element) -> Iterator[tuple[str, Variable]]:
    """Every variable, with the GUID that the file gives it."""
    names = Names()
    for number, given in enumerate(grouped(root, "Variables", "Variable"), 1):
        kind = given.get("typeOfVariable", "Text")
        yield (
            tidy(given.get("guid", "")),
            Variable(
                guid=ledger.guids.take(given.get("guid"), "variable", number),
                name=names.take(given.get("name", "").strip() or f"variable {number}"),
                kind=kind if kind in KINDS else "Text",
                description=text_of(given, "Description"),
            ),
        )


def values_of(ledger: Ledger, holder: etree._Element, variables: Mapping[str, str], what: str) -> dict[str, str]:
    """What a case or source has for variables, by name.

    Args:
        variables: Names by GUID.
        what: What reports call the holder.
    """
    found: dict[str, str] = {}
    for given in children(holder, "VariableValue"):
        ref = next(children(given, "VariableRef"), None)
        name = variables.get(tidy(ref.get("targetGUID", ""))) if ref is not None else None
        value = next((v.text or "" for v in elements(given) if tag_of(v) in _VALUES), "")
        if name is None:
            ledger.leave(f"a value of {what}", "the variable that it names is not there")
        elif value.strip():
            found[name] = value.strip()
    return found
