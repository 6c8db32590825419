"""What the guard takes for words, and what for the thing itself."""

import base64
import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.web.texts import address_fault, fault_in

BYTES = random.Random(7).randbytes(600)
B64 = base64.b64encode(BYTES).decode()


def lines(text: str, width: int) -> str:
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))


def dumped(line: str, *, group: int) -> str:
    """Return BYTES as dump tools print them: offset, sixteen bytes in hex, and the same as characters."""
    rows = [BYTES[start : start + 16] for start in range(0, len(BYTES), 16)]
    shown = ["".join(chr(byte) if 32 <= byte < 127 else "." for byte in row) for row in rows]
    return "\n".join(
        line.format(16 * number, row.hex(" ", group), text)
        for number, (row, text) in enumerate(zip(rows, shown, strict=True))
    )


WORDS = {
    "nothing": "",
    "the longest identifier of one letter": "A" * 64,
    "lines and tabs": "The laptop in room 12 made odd noises.\r\n\tThen it stopped.\n",
    "a long German word": "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
    "an address of words": "https://example.org/a-long-slug/with-many-words-in-lower-case/and-more-words-2024/than-anybody/index",
    "a shared document": "https://example.org/:f:/s/site/EkXa1b2C3d4E5f6G7h8I9j0KaLbMcNdOePfQgRhSiTjUk?e=abc",
    "a percent-encoded title": "https://example.org/wiki/" + "%D0%9F%D1%80%D0%B8%D0%B2%D0%B5%D1%82" * 4,
    "a path": r"C:\Users\x\AppData\Local\Temp\some_long_directory_name\another_directory\file.txt",
    "times": "2024-01-02 10:33:22\n2024-01-03 11:22:11\n" * 8,
    "telephone numbers": "call +352 691 23 45 67, +352 691 23 45 68 " * 4,
    "device addresses": "aa:bb:cc:dd:ee:ff\n" * 9,
    "device ids": lines("123e4567-e89b-12d3-a456-426614174000" * 6, 36),
    "one md5": "it said d41d8cd98f00b204e9800998ecf8427e there",
    "long device addresses between words": "from 2001:0db8:85a3:0000:0000:8a2e:0370:7334 to my laptop, " * 9,
    "file names": "IMG20240101WA0001Copy.jpg, ScanAusDemKeller2024Nr3.pdf, " * 5,
    "quoted mail": "> on 2024-01-02 you wrote:\n> that it is fine\n" * 20,
    "talk of data": "data: the data; base64 is a word, and so is begin",
    "a ruled line": "=" * 100 + "\n" + "_" * 250,
    "Cyrillic": "Привет, это случилось вчера 😀👨‍👩‍👧 в 10:00",
    "Persian": "این یک متن فارسی است که نیم‌فاصله دارد می‌شود",
    "Arabic": "مرحبا هذا بلاغ",
    "Japanese without blanks": "今日は会社のノートパソコンで変なことがありました。" * 20,
    "a flag": "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
}

MATERIAL = {
    "data_uri": [
        "data:image/png;base64,AAAA",
        "DATA:text/plain,abc",
        "x data:;base64,AA",
        "a;base64,b",
        "data:,a",
        "data:;x,a",
    ],
    "file_signature": [
        "x /9j/4AAQSkZJRgABAQAAAQABAAD",
        "iVBORw0KGgoAAAANSUhEUgAAAAE",
        "ffd8ffe000104a464946",
        "\x89PNG",
        "%PDF-1.7",
        "begin 644 x\nM",
        "\xff\xd8\xff\xe0\x00\x10JFIF",
    ],
    "encoded_run": [
        B64,
        B64[:80],
        "A" * 120,
        lines(B64, 76),
        lines(B64, 64),
        lines(B64, 20).replace("\n", " "),
        lines(B64, 76).replace("\n", "\n> "),
        lines(B64, 76).replace("\n", '" +\n"'),
        lines(B64, 40).replace("\n", "', '"),
        lines(B64, 76).replace("\n", "&#13;\n"),
        lines(B64, 76).replace("\n", "&#xA;\n"),
        dumped("{:08x}: {}  {}", group=2),
        dumped("{:08x}  {}  |{}|", group=1),
        base64.urlsafe_b64encode(BYTES).decode(),
        base64.b32encode(BYTES).decode(),
        base64.b85encode(BYTES).decode(),
        BYTES.hex(),
        BYTES.hex(" "),
        BYTES.hex(":"),
        BYTES.hex(" ", 4),
        lines(BYTES.hex(), 60),
        "".join(f"\\x{byte:02x}" for byte in BYTES),
        ", ".join(f"0x{byte:02x}" for byte in BYTES),
        "%ff%d8%fe%e0" * 10,
        hashlib.sha256(b"").hexdigest(),
        lines(hashlib.sha1(b"a", usedforsecurity=False).hexdigest() * 2, 40),
    ],
    "control_character": ["a\x00b", "a\rb", "a\x1b[0m", "a\x85b"],
    "direction_override": ["a\u202eb", "a\u2066b"],
    "binary_like": ["\ufffd" * 40, "\ue000" * 40, "a" + "\u0301" * 7, "x" + "\U000e0100" * 40, "a\u200b" * 40],
}


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS.keys())
def test_ordinary_words_pass(text: str) -> None:
    assert fault_in(text) is None


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, found in MATERIAL.items() for text in found])
def test_what_could_be_the_thing_itself_is_refused(code: str, text: str) -> None:
    assert fault_in(text) == code


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, found in MATERIAL.items() for text in found])
def test_words_around_it_do_not_hide_it(code: str, text: str) -> None:
    if code == "binary_like":
        text *= 3  # a share of the whole counts there

    assert fault_in(f"I found this:\n{text}\nand left it.") == code


def test_a_web_address_may_hold_a_long_token_but_not_a_file() -> None:
    assert address_fault(f"https://example.org/?s={B64[:120].replace('+', '-').replace('/', '_')}") is None
    assert address_fault(f"https://example.org/?s={B64}") == "encoded_run"
    assert address_fault("https://example.org/?d=iVBORw0KGgoAAAANSUhEUgAAAAE") == "file_signature"


@given(st.text(max_size=400))
def test_any_text_gets_an_answer(text: str) -> None:
    assert fault_in(text) in {None, *MATERIAL}


@given(st.binary(min_size=60, max_size=3000))
def test_base64_of_any_bytes_is_refused(raw: bytes) -> None:
    assert fault_in(base64.b64encode(raw).decode()) is not None
