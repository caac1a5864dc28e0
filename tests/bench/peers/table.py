# SPDX-License-Identifier: Apache-2.0
"""The table of scripts/bench --peers, of the JSON lines that rounds of it wrote:

    table.py [--json] < rounds

Medians over the rounds; --json gives those, one object for each tool.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from statistics import median
from typing import Any

from tools import TOOLS

Row = dict[str, Any]


def summarize(rows: Iterable[Row]) -> list[Row]:
    """One for each tool, in the tools' order."""
    by_tool: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_tool[row["tool"]][row["load"]].append(row)
    alone = median(row["load_seconds"] for row in by_tool[""]["flood"])
    summary = []
    for tool in TOOLS:
        loads = by_tool.get(tool.name)
        if not loads:
            continue
        one: Row = {"tool": tool.name, "received_by": tool.received_by}
        for word in ("skipped", "failed"):
            reasons = [row[word] for row in loads.get("", []) if word in row]
            if reasons:
                one |= {word: reasons[0], f"{word}_rounds": len(reasons)}
        for load in ("flood", "steady"):
            if load in loads:
                one[load] = _load(loads[load], alone)
        if "single" in loads:
            one["single"] = _single(loads["single"])
        summary.append(one)
    return summary


def _load(rounds: list[Row], alone: float) -> Row:
    def of(value: str) -> float:
        return median(row[value] for row in rounds)

    def each(value: str) -> float:
        return median(row[value] / max(row["received"], 1) for row in rounds)

    return {
        "rounds": len(rounds),
        "sent": of("sent"),
        "received": of("received"),
        "told_lost": of("told_lost"),
        "told_gaps": of("told_gaps"),
        "silently_lost": of("silently_lost"),
        "silently_lost_worst": max((row["silently_lost"] for row in rounds), key=abs),
        "received_per_second": median(row["received"] / row["carried_seconds"] for row in rounds),
        "slowdown": of("load_seconds") / alone,
        "wire_bytes_each": each("wire_bytes"),
        "cpu_us_each": 1e6 * each("cpu_seconds"),
    }


def _single(rounds: list[Row]) -> Row:
    seconds = [value for row in rounds for value in row["seconds"]]
    return {
        "arrived": len(seconds),
        "missed": sum(row["missed"] for row in rounds),
        "missed_after_seconds": rounds[0]["missed_after_seconds"],
        "p50_ms": 1e3 * median(seconds) if seconds else None,
        "max_ms": 1e3 * max(seconds) if seconds else None,
    }


_FLOOD = ["way", "received", "told lost", "lost silently", "records/s", "x kchan",
          "slows the load x", "wire B each", "CPU us each"]  # fmt: skip
_QUIET = ["way", "lost silently", "wire B each", "CPU us each", "one record alone, ms (worst)"]


def _flood_cells(row: Row, kchan: float) -> list[str]:
    flood = row["flood"]

    def share(value: str) -> str:
        return f"{100 * flood[value] / flood['sent']:.1f} %"

    told = share("told_lost")
    if flood["told_gaps"]:
        told += f", {flood['told_gaps']:.0f} gaps without a number"
    rate = flood["received_per_second"]
    return [
        row["tool"], share("received"), told, share("silently_lost"),
        f"{rate:,.0f}", f"{rate / kchan:.2f}" if kchan else "", f"{flood['slowdown']:.1f}",
        f"{flood['wire_bytes_each']:.0f}", f"{flood['cpu_us_each']:.1f}",
    ]  # fmt: skip


def _quiet_cells(row: Row) -> list[str]:
    steady, single = row["steady"], row["single"]
    waits = []
    if single["arrived"]:
        waits.append(f"{single['p50_ms']:,.0f} ({single['max_ms']:,.0f})")
    if single["missed"]:
        waits.append(f"{single['missed']} not within {single['missed_after_seconds']:.0f} s")
    return [
        row["tool"], f"{steady['silently_lost']:.0f} of {steady['sent']:.0f}",
        f"{steady['wire_bytes_each']:.0f}", f"{steady['cpu_us_each']:.0f}", ", ".join(waits),
    ]  # fmt: skip


def _table(heading: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(cells) + " |" for cells in [heading, *rows]]
    return [lines[0], "|" + "---|" * len(heading), *lines[1:]]


def markdown(summary: list[Row]) -> str:
    whole = [row for row in summary if row.keys() >= {"flood", "steady", "single"}]
    kchan = sum(row["flood"]["received_per_second"] for row in whole if row["tool"] == "kchan")
    failed = [f"{row['tool']}: failed: {row['failed']}" for row in summary if "failed" in row]
    skipped = [f"{row['tool']}: skipped: {row['skipped']}" for row in summary if "skipped" in row]
    return "\n".join([
        *_table(_FLOOD, [_flood_cells(row, kchan) for row in whole]), "",
        *_table(_QUIET, [_quiet_cells(row) for row in whole]), "",
        *failed, *skipped,
        f"{len(summary)} ways, {len(skipped)} skipped, {len(failed)} failed in some round.",
    ])  # fmt: skip


def main() -> int:
    summary = summarize(json.loads(line) for line in sys.stdin)
    if "--json" in sys.argv[1:]:
        for row in summary:
            print(json.dumps(row))
    else:
        print(markdown(summary))
    return 0


if __name__ == "__main__":
    sys.exit(main())
