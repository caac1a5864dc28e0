# SPDX-License-Identifier: Apache-2.0
"""Channels, parameters, records to the kernel, and the node."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

import kchan
from conftest import Node
from kchan.v1 import channel_pb2


def test_channels_are_listed_in_order(client: kchan.Client) -> None:
    names = [channel.name for channel in client.channels()]
    assert names == sorted(names)
    assert {"broken", "exec", "netdev", "tick"} <= set(names)


def test_a_channel_describes_itself(client: kchan.Client) -> None:
    tick = client.channel("tick")
    assert tick.documentation == "Counts."
    assert tick.parameters[0].unit == "Hz"
    assert tick.state == channel_pb2.CHANNEL_STATE_LIVE


def test_errors_say_what_was_attempted_and_carry_details(client: kchan.Client) -> None:
    with pytest.raises(kchan.NotFound) as error:
        client.channel("tock")
    assert str(error.value).startswith("get channel tock at unix:/")
    assert error.value.reason == "NO_SUCH_CHANNEL"
    assert error.value.code == 5


def test_what_is_wrong_with_a_request_is_named(control: kchan.Client) -> None:
    with pytest.raises(kchan.InvalidArgument) as error:
        control.update_channel("tick", {"rate": 5000})
    (violation,) = error.value.violations
    assert violation.field == 'parameters["rate"]'
    assert "1000" in violation.description


def test_writing_needs_the_right(client: kchan.Client) -> None:
    with pytest.raises(kchan.PermissionDenied):
        client.update_channel("tick", {"rate": 5})
    with pytest.raises(kchan.PermissionDenied):
        client.publish("tick", "make", {"count": 1})


def test_a_parameter_is_set(control: kchan.Client) -> None:
    assert control.update_channel("tick", {"rate": 20}).parameters[0].value == 20


def test_watching_shows_what_is_there_then_what_changes(
    client: kchan.Client, control: kchan.Client
) -> None:
    changes = client.watch_channels()
    there = []
    for change in changes:
        if change.synced:
            break
        there.append(change.updated.name)
    assert there == [channel.name for channel in client.channels()]
    control.update_channel("tick", {"rate": 30})
    changed = next(change.updated for change in changes if change.updated.name == "tick")
    assert changed.parameters[0].value == 30
    changes.close()


def test_a_refused_record_says_the_kernels_answer(control: kchan.Client) -> None:
    with pytest.raises(kchan.InvalidArgument, match="13 is unlucky") as error:
        control.publish("tick", "make", {"count": 13})
    assert error.value.kernel_errno == 22


def test_many_records_are_answered_one_by_one(control: kchan.Client) -> None:
    counts = [1, 13, 2]
    answers = list(control.publish_all("tick", "make", [{"count": count} for count in counts]))
    assert [(answer.index, answer.error is None) for answer in answers] == [
        (0, True),
        (1, False),
        (2, True),
    ]
    assert control.channel("tick").last_sequence == 15


def test_a_payload_can_be_sent_as_bytes(control: kchan.Client) -> None:
    control.publish("tick", 2, (1).to_bytes(8, "little"))
    assert control.channel("tick").last_sequence == 13


def test_what_a_record_cannot_be_is_an_error_where_it_was_given(control: kchan.Client) -> None:
    records = [{"count": 1}, {"count": -1}, {"count": 1}]
    answers = control.publish_all("tick", "make", records)
    assert next(answers).error is None
    with pytest.raises(kchan.SchemaError, match="'count' is out of range"):
        next(answers)


def test_a_type_that_a_channel_does_not_take_is_named(control: kchan.Client) -> None:
    with pytest.raises(kchan.SchemaError, match="takes no type 'tick': it takes make"):
        control.publish("tick", "tick", {"count": 1})


def test_the_node_says_who_it_is_and_what_is_missing(client: kchan.Client) -> None:
    assert client.node().name == "node1"
    status = client.status()
    assert [problem.subject for problem in status.problems] == ["channel broken"]
    assert status.problems[0].remedy == "mend it"


@pytest.mark.parametrize("target", ["", "/run/kchan/read.sock"])
def test_a_target_that_is_none_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="unix:"):
        kchan.Client(target)


def test_an_unreachable_daemon_is_unavailable(tmp_path: Path) -> None:
    with kchan.Client(f"unix:{tmp_path}/nobody.sock", timeout_s=5) as nobody:
        with pytest.raises(kchan.Unavailable):
            nobody.channels()


def test_tls_files_are_checked_before_use(tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("no")
    with pytest.raises(ValueError, match="is not PEM"):
        kchan.Client("host:1", tls=kchan.Tls(ca_file=str(tmp_path / "not.pem")))
    with pytest.raises(ValueError, match="needs its key"):
        kchan.Client("host:1", tls=kchan.Tls(certificate_file="c.pem"))
    with pytest.raises(OSError):
        kchan.Client("host:1", tls=kchan.Tls(ca_file=str(tmp_path / "absent.pem")))


def _as_json(value: object) -> object:
    """As the command line writes it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: _as_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    return value


@pytest.mark.parametrize("channel", ["conn", "exec", "netdev", "tick"])
def test_it_decodes_as_the_command_line_does(
    node: Node, client: kchan.Client, build_dir: Path, channel: str
) -> None:
    ours = list(client.subscribe(channel, start=kchan.Oldest(), follow=False))
    records = sum(isinstance(item, kchan.Record) for item in ours)
    command = [build_dir / "clients/cli/kchan", "tail", channel, "--from-oldest", "--json"]
    ran = subprocess.run(
        [*command, "--count", str(records)],
        env=dict(os.environ, KCHAN_SERVER=node.read),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    shown = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(shown) == len(ours) > 0
    for line, item in zip(shown, ours, strict=True):
        if isinstance(item, kchan.Record):
            assert line["fields"] == _as_json(item.fields)
            assert line["sequence"] == item.sequence
        else:
            assert line["lost"]["count"] == item.count
