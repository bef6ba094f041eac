"""How every benchmark ends: its ratios beside their goals, and as the last line one flat JSON object of the ratios."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Mapping

    Targets = Mapping[str, tuple[str, float]]
    """Each goal by the name of its ratio: ``<=`` or ``>=``, and the bound."""


def conclude(ratios: Mapping[str, float | None], targets: Targets) -> bool:
    """Print the ratios beside their goals, and as the last line the JSON object.

    Args:
        ratios: What was measured, by name; None is what could not be.
        targets: The goals; a ratio without one is shown and not judged.

    Returns:
        Whether every goal is met; one without a figure is not.
    """
    rows = [[name, *judged(ratios.get(name), targets.get(name))] for name in {**targets, **ratios}]
    print(tabulate(rows, headers=["ratio", "measured", "target", "met"], disable_numparse=True))
    lowered = os.getpriority(os.PRIO_PROCESS, 0)
    if lowered > 0:
        print(f"\nrun with a priority lowered by {lowered}: whatever else runs comes first, the figures are indicative")
    print(json.dumps({name: None if value is None else round(value, 4) for name, value in ratios.items()}))
    return all(row[-1] in {"yes", "-"} for row in rows)


def judged(value: float | None, target: tuple[str, float] | None) -> tuple[str, str, str]:
    """Return a ratio, its goal, and whether that is met, as they are shown."""
    shown = "-" if value is None else f"{value:.3g}"
    if target is None:
        return shown, "-", "-"
    sign, bound = target
    goal = f"{sign} {bound:g}"
    if value is None:
        return shown, goal, "not measured"
    return shown, goal, "yes" if (value <= bound if sign == "<=" else value >= bound) else "no"
