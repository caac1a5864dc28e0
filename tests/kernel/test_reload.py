# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the configuration is read again while channels are streamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from daemon import CONFIG, Daemon, settle
from remote import Remote
from tick import MIXED, Audit, all_writers, reset
from vm import Vm

IDLE, LIVE = 1, 2
MIB = 1 << 20


def rules(*, tick_log_bytes: int, tick_shared: str) -> str:
    return (
        f'channels {{ glob: "tick" log_max_bytes: {tick_log_bytes} }}\n'
        f'channels {{ glob: "tick_sh*" open: {tick_shared} idle_close_seconds: 0 }}\n'
    )


BEFORE = rules(tick_log_bytes=8 * MIB, tick_shared="OPEN_ON_DEMAND")
AFTER = rules(tick_log_bytes=2 * MIB, tick_shared="OPEN_ALWAYS")
DAEMON_CONFIG = BEFORE


@pytest.fixture
def remote(daemon: Daemon) -> Iterator[Remote]:
    with daemon.remote() as connection:
        reset(connection, linger_ms=0)
        yield connection


def reload(vm: Vm, daemon: Daemon, config: str) -> str:
    """What the daemon says of it."""
    daemon.configure(config)
    before = len(daemon.log())
    daemon.hang_up()
    vm.wait_for(f"tail -c +{before + 1} /tmp/kchand.log | grep -q configuration")
    return daemon.log()[before:]


def test_rules_of_channels_apply_and_streams_go_on(
    vm: Vm, daemon: Daemon, remote: Remote
) -> None:
    count = 5000
    total = len(all_writers()) * count
    remote.update("tick", rate_hz=1000, size=512, context=MIXED, cpus=2, count=count)
    audit = Audit(remote.schema("tick"))
    stream = remote.subscribe("tick", oldest=True)

    def read_to(sequence: int) -> None:
        def there(response: Any) -> bool:
            for record in response.batch.records if response.HasField("batch") else ():
                audit.add(record)
            return bool(stream.ledgers) and stream.ledger("tick").last >= sequence

        stream.until(there)

    read_to(total // 4)
    assert remote.channels()["tick"].log_max_bytes == 8 * MIB
    assert remote.channels()["tick_shared"].state == IDLE

    assert "read again" in reload(vm, daemon, AFTER)
    settle(remote, lambda _: remote.channels()["tick_shared"].state == LIVE)
    assert remote.channels()["tick"].log_max_bytes == 2 * MIB
    read_to(total // 2)
    assert remote.channels()["tick"].log_bytes <= 2 * MIB

    # What cannot be read changes nothing, and says where and why.
    for broken in (AFTER + "channels { glob: 3 }\n", BEFORE + "no_such_field: 1\n"):
        said = reload(vm, daemon, broken)
        assert "error: configuration not changed" in said
        assert f"{CONFIG}:3" in said
        assert remote.channels()["tick"].log_max_bytes == 2 * MIB
        assert remote.channels()["tick_shared"].state == LIVE
    read_to(3 * total // 4)

    assert "read again" in reload(vm, daemon, BEFORE)
    settle(remote, lambda _: remote.channels()["tick_shared"].state == IDLE)
    assert remote.channels()["tick"].log_max_bytes == 8 * MIB
    read_to(total)
    stream.cancel()

    ledger = stream.ledger("tick")
    assert ledger.balances()
    assert (ledger.first, ledger.last) == (1, total)
    assert audit.writers.keys() == all_writers()
    assert sum(ledger.lost.values()) == audit.missing_of(all_writers(), count)
