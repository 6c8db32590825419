"""The operator's longer texts: what becomes of their lines."""

import pytest

from router.reporter.house.prose import Block, BlockKind, blocks, isolated

TEXT = """\
# One
A line
and its end.
Still the same.

Another.
- first
  goes on
- second
After it.
#No heading
"""


def test_lines_become_headings_paragraphs_and_lists() -> None:
    assert blocks(TEXT) == (
        Block(BlockKind.HEADING, ("One",)),
        Block(BlockKind.PARAGRAPH, ("A line and its end. Still the same.",)),
        Block(BlockKind.PARAGRAPH, ("Another.",)),
        Block(BlockKind.LIST, ("first goes on", "second")),
        Block(BlockKind.PARAGRAPH, ("After it. #No heading",)),
    )


@pytest.mark.parametrize("nothing", ["", "\n \n", "#", "# ", "- "])
def test_no_line_is_ever_empty(nothing: str) -> None:
    assert all(line for block in blocks(nothing) for line in block.lines)


@pytest.mark.parametrize("kept", ["+46 8 465 004 30", "a.b+c@northlight.example", "https://a.invalid/b?c=d", "112 233"])
def test_numbers_and_addresses_keep_their_order_in_a_text_from_right_to_left(kept: str) -> None:
    assert str(isolated(f"هنا {kept}.")) == f'هنا <bdi dir="ltr">{kept}</bdi>.'


def test_markup_in_a_line_is_text() -> None:
    assert str(isolated('<b a="1"> & 12345')) == '&lt;b a=&#34;1&#34;&gt; &amp; <bdi dir="ltr">12345</bdi>'
