"""XML nobody vouches for: well-formed documents come in, bombs and references to elsewhere do not."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from belonging_llm.errors import ContainerError
from belonging_llm.xml_input import parse_xml

BOMB = '<!DOCTYPE b [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><b>&b;</b>'
OUTSIDE = '<!DOCTYPE b [<!ENTITY x SYSTEM "file:///etc/passwd">]><b>&x;</b>'


def refusal(raw: bytes | str, **limits: int) -> str:
    with pytest.raises(ContainerError) as caught:
        parse_xml(raw if isinstance(raw, bytes) else raw.encode(), "a.docx", **limits)
    assert "a.docx" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "raw",
    [
        "<a>Zoë \U0001f600</a>".encode(),
        codecs.BOM_UTF8 + '<?xml version="1.0" encoding="UTF-8"?>\n<a>Zoë \U0001f600</a>'.encode(),
        "<?xml version='1.0' encoding='UTF-16'?><a>Zoë \U0001f600</a>".encode("utf-16"),
        "<a>Zoë \U0001f600</a>".encode("utf-16-be"),
        '<?xml version="1.0" encoding="ISO-8859-1"?><a>Zoë &#128512;</a>'.encode("latin-1"),
        b'<?xml version="1.0" encoding="US-ASCII"?><!-- a --><?b c?><a>Zo&#235; &#x1F600;</a>',
    ],
)
def test_encodings_give_the_same_text(raw: bytes) -> None:
    root = parse_xml(raw, "x")
    assert (root.tag, root.text) == ("a", "Zoë \U0001f600")


def test_comments_and_instructions_are_left_out_and_their_text_joined() -> None:
    root = parse_xml(b"<a>one<!-- no --> <?no no?>two<![CDATA[<&]]></a>", "x")
    assert "".join(root.itertext()) == "one two<&"
    assert len(root) == 0


@pytest.mark.parametrize(
    "text", [BOMB, OUTSIDE, "<!DOCTYPE a><a/>", "<!-- x --> <?y z?>\n<!DOCTYPE a><a/>", "<!doctype a><a/>"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_document_type_is_refused_in_any_encoding(text: str, encoding: str) -> None:
    assert "document type" in refusal(text.encode(encoding))


def test_an_encoding_in_which_a_document_type_could_hide_is_refused() -> None:
    assert "utf-7" in refusal("<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE a+AD4-<a/>")


def test_words_that_look_like_a_document_type_are_words() -> None:
    assert parse_xml(b"<a><![CDATA[<!DOCTYPE a>]]></a>", "x").text == "<!DOCTYPE a>"


def test_limits() -> None:
    assert "bytes" in refusal("<a>" + "x" * 100 + "</a>", most_bytes=50)
    assert "tags" in refusal("<a>" + "<b/>" * 100 + "</a>", most_marks=99)
    assert "damaged" in refusal("<a>" * 5000 + "</a>" * 5000)


@pytest.mark.parametrize(
    "text", ["", " ", "x", "<a>", "<a></b>", "<a>&unknown;</a>", "<a b=1/>", "<!--", "<?x", "<a>\0</a>"]
)
def test_what_is_not_well_formed_is_refused(text: str) -> None:
    assert "damaged" in refusal(text)


FRAGMENTS = st.sampled_from(
    [b"<a>", b"</a>", b"<a/>", b"<!--", b"-->", b"<?xml version='1.0' encoding='", b"'?>", b"utf-16", b"<!DOCTYPE a [",
     b"<!ENTITY x 'y'>", b"]>", b"&x;", b"&#0;", b"&#xD800;", b"<![CDATA[", b"]]>", b" ", b"\xff", b"\xef\xbb\xbf", b"\0", b"x"]
)  # fmt: skip


@given(st.binary() | st.lists(FRAGMENTS, max_size=20).map(b"".join))
def test_any_bytes_are_refused_or_become_a_tree(raw: bytes) -> None:
    try:
        root = parse_xml(raw, "x")
    except ContainerError:
        return
    assert isinstance(root.tag, str)
    assert "".join(root.itertext()) is not None
