# SPDX-License-Identifier: Apache-2.0
"""A module comes back with another schema: each record is read by its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from daemon import PORT, settle
from remote import Remote
from vm import Vm

CHANNEL = "test.schema"
COUNT = 50
ENDED = 3
FIRST = [{"number": n, "celsius": -n, "note": "first"} for n in range(1, COUNT + 1)]
SECOND = [
    {"note": "second", "millicelsius": -1000 * n, "number": n} for n in range(1, COUNT + 1)
]

_PYTHON_CLIENT = f"""
import json, sys, kchan
with kchan.Client(sys.argv[1]) as client:
    subscription = client.subscribe({CHANNEL!r}, start=kchan.Oldest(), follow=False)
    for item in subscription:
        if isinstance(item, kchan.Record):
            print(json.dumps({{"epoch": item.epoch, "fields": item.fields}}))
    assert subscription.totals.balance()
"""


class Batches:
    """What a subscription is given, with what each record is read by."""

    def __init__(self, remote: Remote, **start: Any) -> None:
        self._remote = remote
        self.stream = remote.subscribe(CHANNEL, **start)
        self.epochs: list[int] = []  # of each record
        self.schemas: dict[int, set[int]] = {}  # by epoch
        self.fields: list[dict[str, Any]] = []

    def take(self, count: int) -> None:
        target = len(self.fields) + count
        self.stream.until(lambda response: self._add(response) >= target)

    def _add(self, response: Any) -> int:
        batch = response.batch if response.HasField("batch") else None
        if batch:
            schema = self._remote.schema(CHANNEL, batch.schema_id)
            assert schema.id == batch.schema_id
            self.schemas.setdefault(batch.epoch, set()).add(batch.schema_id)
            self.epochs += [batch.epoch] * len(batch.records)
            self.fields += [schema.decode(record) for record in batch.records]
        return len(self.fields)


def load(vm: Vm, version: int) -> None:
    vm.sh(f"insmod /modules/kchan_testbed_schema.ko version={version}")


def write(remote: Remote) -> None:
    schema = remote.schema(CHANNEL)
    kind = schema.type_id("write")
    (answer,) = remote.publish(CHANNEL, kind, [schema.encode(kind, count=COUNT)])
    assert answer.kernel_errno == 0


def by_epoch(lines: str) -> dict[int, list[dict[str, Any]]]:
    """The fields in lines of JSON; the epoch is text in some."""
    found: dict[int, list[dict[str, Any]]] = {}
    for line in map(json.loads, lines.splitlines()):
        found.setdefault(int(line["epoch"]), []).append(line["fields"])
    return found


def test_old_records_are_read_by_the_old_schema(
    vm: Vm, remote: Remote, build_dir: Path, package: Path
) -> None:
    server = f"127.0.0.1:{vm.ports[PORT]}"
    load(vm, version=1)
    settle(remote, lambda _: CHANNEL in remote.channels())

    def follow(*options: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [
                build_dir / "clients/cli/kchan", "tail", CHANNEL, "--from-oldest", "--json",
                "--count", str(2 * COUNT), "--for", "2m", *options,
            ],
            env=os.environ | {"KCHAN_SERVER": server}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    # They follow all the time, and read in C++: all, and some of the fields.
    follower, sparing = follow(), follow("--fields", "note,celsius")
    live = Batches(remote)
    live.stream.until_live(CHANNEL)
    write(remote)
    live.take(COUNT)

    vm.sh("rmmod kchan_testbed_schema")
    live.stream.until(
        lambda response: response.HasField("channel_update")
        and response.channel_update.state == ENDED
    )
    load(vm, version=2)
    live.stream.until_live(CHANNEL)
    write(remote)
    live.take(COUNT)

    assert live.fields == FIRST + SECOND
    (first, first_schemas), (second, second_schemas) = live.schemas.items()
    assert live.epochs == [first] * COUNT + [second] * COUNT
    # One schema in each epoch, and the channel's is the new one now.
    ((old,), (new,)) = first_schemas, second_schemas
    assert old != new
    assert remote.schema(CHANNEL).id == remote.channels()[CHANNEL].schema_id == new
    for ledger in live.stream.ledgers[CHANNEL].values():
        assert ledger.balances()
        assert (ledger.first, ledger.last, ledger.received) == (1, COUNT, COUNT)
    live.stream.cancel()

    # Who comes later reads both out of the history.
    later = Batches(remote, oldest=True)
    later.take(2 * COUNT)
    later.stream.cancel()
    assert later.schemas == live.schemas
    assert later.fields == FIRST + SECOND

    told, _ = follower.communicate(timeout=120)
    assert follower.returncode == 0
    assert by_epoch(told) == {first: FIRST, second: SECOND}

    # A field that the new schema lacks is left out, and named.
    told, notes = sparing.communicate(timeout=120)
    assert sparing.returncode == 0
    assert by_epoch(told) == {
        first: [{"celsius": each["celsius"], "note": "first"} for each in FIRST],
        second: [{"note": "second"}] * COUNT,
    }
    assert f"channel '{CHANNEL}' has no such fields: celsius\n" in notes

    python = subprocess.run(
        [sys.executable, "-c", _PYTHON_CLIENT, server],
        env=os.environ | {"PYTHONPATH": str(package)}, stdout=subprocess.PIPE, text=True,
        check=True, timeout=120,
    )  # fmt: skip
    assert by_epoch(python.stdout) == {first: FIRST, second: SECOND}
