"""The figures as a picture: the product beside the straight line, and the long stream second by second."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

OURS, THEIRS = "concern-router", "straight line"
SMOOTHED_S = 10


def plot(result: Mapping[str, Any], where: Path) -> None:
    """Write the picture of what `python -m tests.bench` measured."""
    figure = Figure(figsize=(11, 7), layout="constrained")
    speed, cost, stream, behind = figure.subplots(2, 2).flat
    _bars(
        speed,
        result,
        ("accepted_per_s", "delivered_per_s"),
        ("accepted", "delivered"),
        "concerns a second, 32 connections",
    )
    _stacked(cost, result)
    by_second: Sequence[tuple[int, int]] = result["product"]["sustained"]["by_second"]
    _smoothed(stream, [accepted for accepted, _ in by_second], "accepted")
    _smoothed(stream, [delivered for _, delivered in by_second], "delivered")
    stream.set(title="a year in a day: 214 a second", xlabel="s", ylabel="a second", ylim=(0, None))
    stream.legend()
    waiting = [a - d for a, d in zip(*(accumulate(column) for column in zip(*by_second, strict=True)), strict=True)]
    behind.plot(waiting)
    behind.set(title="accepted and not yet delivered, meanwhile", xlabel="s", ylim=(0, None))
    figure.savefig(where)


def _bars(axes: Axes, result: Mapping[str, Any], keys: Sequence[str], names: Sequence[str], title: str) -> None:
    for offset, (program, label) in enumerate((("product", OURS), ("straight_line", THEIRS))):
        places = [place + 0.4 * offset for place in range(len(keys))]
        axes.bar(places, [result[program]["burst"][key] for key in keys], 0.4, label=label)
    axes.set(title=title, xticks=[place + 0.2 for place in range(len(keys))], xticklabels=names)
    axes.legend()


def _stacked(axes: Axes, result: Mapping[str, Any]) -> None:
    spent = [result[program]["burst"]["cpu_ms_per_concern"] for program in ("product", "straight_line")]
    below = [0.0, 0.0]
    for kind in sorted({kind for one in spent for kind in one}):
        heights = [one.get(kind, 0.0) for one in spent]
        if max(heights) > 0.02:
            axes.bar([OURS, THEIRS], heights, 0.5, bottom=below, label=kind)
            below = [base + height for base, height in zip(below, heights, strict=True)]
    axes.set(title="processor time for each concern, ms")
    axes.legend(fontsize="small")


def _smoothed(axes: Axes, values: Sequence[int], label: str) -> None:
    means = [sum(values[start : start + SMOOTHED_S]) / SMOOTHED_S for start in range(len(values) - SMOOTHED_S)]
    axes.plot(means, label=label)
