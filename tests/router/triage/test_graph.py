"""The picture of a policy: whole, readable, harmless, and the same policy as the one that decides."""

import re
from collections.abc import Mapping
from itertools import combinations
from xml.etree.ElementTree import Element, fromstring

import pytest

from router.catalogue import Channel, parse_catalogue
from router.configfile.shape import shape
from router.configfile.yamltext import read
from router.triage.drawing import svg, width_of
from router.triage.file import PolicyFile
from router.triage.graph import mermaid, outline
from router.triage.parts import everyone
from router.triage.policy import parse_policy, policy_texts
from tests.oddities import DESK, OFFICE, PHONE, POLICE, policy, route, routes
from tests.policies import CONFIG

SVG = "{http://www.w3.org/2000/svg}"
INNER = route("in", "{severity_at_least: critical}", hold="police", to="[desk, phone]", deadlines="{escalate: duty}")
WRITTEN = policy(
    routes(
        "{id: more, when: {urgency: live_now}, to: phone, say: call, continue: true}",
        route("out", "{category: [fraud, theft], from: client}", routes=routes(INNER)),
        route("all", link_duplicates="{by: [category, asset_tag], within: 72h}"),
    ),
    times="{claim: 4h, decide: 2d, clock: working}",
    calendar="calendar: office",
    more=f"calendars: {{{OFFICE}}}\nsentences: {{call: Call.}}\n"
    "escalations: {duty: [{unclaimed: 30m, to: phone}, {undecided: 1d, to: [phone, desk]}]}",
)


def written(text: str) -> PolicyFile:
    document = read(text, "policy.yaml")
    made = shape(document, PolicyFile)
    assert made is not None, document.problems
    return made


INSTEAD = DESK.replace("}", ", instead: phone, instead_after: 90m}")
Both = tuple[PolicyFile, Mapping[str, Channel]]


def both(policy_text: str, channels_text: str) -> Both:
    return written(policy_text), parse_catalogue(channels_text).channels


SMALL = both(WRITTEN, f"{INSTEAD}\n{PHONE}\n{POLICE}")
SHIPPED = {
    folder.name: both(*policy_texts(folder)) for folder in sorted(path.parent for path in CONFIG.rglob("policy.yaml"))
}


def drawn(files: Both) -> Element:
    return fromstring(svg(*files, "ab" * 32))  # noqa: S314 - our own


def texts(picture: Element) -> list[str]:
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


def test_a_box_says_what_a_route_wants_and_does() -> None:
    more, out, inner, everything = outline(*SMALL).routes

    assert (more.conditions, more.at_once, more.teams, more.goes_on) == (("urgency: live_now",), ("phone",), (), True)
    assert more.notes == ("says: call", "adds this, and goes on")
    assert out.conditions == ("category: fraud, theft", "from: client")
    assert (inner.depth, inner.conditions, inner.teams) == (1, ("severity: critical",), ("legal",))
    assert (inner.at_once, inner.drafts) == (("desk", "phone"), ("police",))
    assert [(told.label, told.channels) for told in inner.later] == [
        ("unclaimed 30m", ("phone",)),
        ("undecided 1d", ("phone", "desk")),
    ]
    assert everything.notes == ("links cases with the same category and asset_tag within 72h",)


def test_times_and_severities_are_there() -> None:
    picture = outline(*SMALL)

    assert [(box.name, box.sets) for box in picture.severity] == [("urgent", "high"), ("any", "low")]
    assert [box.name for box in picture.times] == ["critical", "high", "medium", "low"]
    assert picture.times[1].conditions == ("claim within 4h, decide within 2d, working time",)


@pytest.mark.parametrize("name", SHIPPED)
def test_boxes_say_the_same_as_the_policy_that_decides(name: str) -> None:
    folder = next(path.parent for path in CONFIG.rglob("policy.yaml") if path.parent.name == name)
    compiled = parse_policy(*policy_texts(folder))

    assert [(box.name, box.teams, box.at_once, box.drafts) for box in outline(*SHIPPED[name]).routes] == [
        (
            route.name,
            tuple(team.name for team in route.teams),
            tuple(channel.name for channel in route.to),
            tuple(channel.name for channel in route.hold),
        )
        for route in everyone(compiled.routes)
    ]


@pytest.mark.parametrize("files", [SMALL, *SHIPPED.values()], ids=["small", *SHIPPED])
def test_the_picture_names_everything(files: Both) -> None:
    shown = texts(drawn(files))

    for box in outline(*files).routes:
        assert {box.name, *box.teams, *box.at_once, *box.drafts} <= set(shown)
    for box in outline(*files).ways:
        assert {box.name, *(name for told in box.later for name in told.channels)} <= set(shown)
    assert {"fallback", *files[0].fallback} <= set(shown)
    assert {str(severity) for severity in ("critical", "high", "medium", "low")} <= set(shown)


@pytest.mark.parametrize("files", [SMALL, *SHIPPED.values()], ids=["small", *SHIPPED])
def test_no_text_runs_into_another_or_out_of_the_picture(files: Both) -> None:
    picture = drawn(files)
    boxes = []
    for text in picture.iter(f"{SVG}text"):
        x, y, size = (float(text.get(name, "")) for name in ("x", "y", "font-size"))
        width = width_of(text.text or "", size, bold="font-weight" in text.attrib)
        left = x - width / 2 if text.get("text-anchor") == "middle" else x
        boxes.append((left, y - 0.75 * size, left + width, y))

    assert max(right for _, _, right, _ in boxes) <= float(picture.get("width", ""))
    assert max(bottom for _, _, _, bottom in boxes) <= float(picture.get("height", ""))
    for one, other in combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)


def test_a_very_long_word_is_cut_into_lines_that_fit() -> None:
    long = "w" * 48
    text = WRITTEN.replace("id: more", f"id: {long}").replace(
        "theft: {label", f"{'m' * 48}: {{label: M, floor: low}}, theft: {{label"
    )
    picture = drawn((written(text.replace("[fraud, theft]", f"[{'m' * 48}, theft, {'m' * 48}]")), {}))

    assert long in texts(picture)
    assert all(float(text.get("x", "")) + width_of(text.text or "", 13) < 1240 for text in picture.iter(f"{SVG}text"))


def test_drafts_are_dashed_and_what_comes_later_is_dotted() -> None:
    picture = drawn(SMALL)
    pills: dict[str, set[str | None]] = {}
    last: str | None = None
    for element in picture:
        if element.tag == f"{SVG}rect":
            last = element.get("stroke-dasharray")
        elif element.tag == f"{SVG}text":
            pills.setdefault(element.text or "", set()).add(last)

    assert pills["police"] == {"7 4"}
    assert pills["phone"] == {None, "2 4"}
    assert pills["legal"] == {None}


def test_the_picture_can_be_read_aloud_and_runs_nothing() -> None:
    picture = drawn(SMALL)
    whole = svg(*SMALL, "ab" * 32)

    assert picture.get("role") == "img"
    assert {picture.find(f"{SVG}{part}").get("id") for part in ("title", "desc")} == set(  # type: ignore[union-attr]
        picture.get("aria-labelledby", "").split()
    )
    described = picture.findtext(f"{SVG}desc") or ""
    assert "in, for severity: critical: legal, by desk, phone, police (a draft)." in described
    assert "Otherwise the fallback: legal. phone instead after 90m, if desk does not get it." in described
    assert not re.search(r"<script|<foreignObject|<image|href|\son\w+=|url\((?!#head\))", whole)
    assert {element.tag.removeprefix(SVG) for element in picture.iter()} == {
        "svg", "title", "desc", "rect", "defs", "marker", "path", "text",
    }  # fmt: skip


def test_what_looks_like_markup_is_shown_as_text() -> None:
    picture = fromstring(svg(*SMALL, "<b>&"))  # noqa: S314 - our own

    assert "Who is told: policy <b>&" in texts(picture)


def test_mermaid_has_every_route_in_order_and_where_it_leads() -> None:
    chart = mermaid(*SMALL).splitlines()

    assert chart[0] == "flowchart LR"
    assert '  r2["in<br/>severity: critical<br/>escalation duty"]' in chart
    assert "  start --> r0" in chart
    assert "  r0 -->|and go on| r1" in chart
    assert "  r1 -->|inside| r2" in chart
    assert "  r1 -->|no match| r3" in chart
    assert "  r3 -->|no match| fallback" in chart
    phone = next(line for line in chart if '"phone"' in line)
    assert phone == '  r0 ==>|at once| n0[/"phone"/]'
    assert "  r2 -.->|unclaimed 30m| n0" in chart


def test_what_another_channel_gets_instead_is_dotted() -> None:
    chart = mermaid(*SMALL).splitlines()
    desk = re.search(r'(n\d+)\[/"desk"/\]', "\n".join(chart))

    assert desk
    assert f"  {desk[1]} -.->|instead after 90m| n0" in chart
    assert {"desk", "instead after 90m", "phone"} <= set(texts(drawn(SMALL))[-5:])


def test_mermaid_dashes_the_drafts_and_only_those() -> None:
    chart = mermaid(*SMALL).splitlines()
    edges = [line for line in chart if re.match(r"  \w+ (-->|==>|-\.->)", line)]
    dashed = {int(line.split()[1]) for line in chart if line.startswith("  linkStyle")}

    assert {number for number, edge in enumerate(edges) if "|draft|" in edge} == dashed
    assert len(dashed) == 1


def test_mermaid_keeps_names_apart_that_differ_in_a_dash() -> None:
    text = re.sub(r"\bdesk\b", "a_b", WRITTEN.replace("phone", "a-b"))

    nodes = re.findall(r'(n\d+)\[/"(a[-_]b)"', mermaid(written(text), {}))

    assert len(nodes) == len(set(nodes)) == 2
    assert nodes[0][0] != nodes[1][0]


def test_the_small_policy_here_loads() -> None:
    assert parse_policy(WRITTEN, f"{DESK}\n{PHONE}\n{POLICE}").routes
