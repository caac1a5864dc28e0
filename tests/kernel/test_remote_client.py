# SPDX-License-Identifier: Apache-2.0
"""A client that shares no code with ours does everything against a real node."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from daemon import Daemon, ends_with, settle
from remote import Remote
from vm import Vm

OK, INVALID_ARGUMENT, NOT_FOUND = 0, 3, 5


@pytest.fixture(scope="module")
def vm(make_vm: Callable[..., Vm], samples_dir: Path) -> Iterator[Vm]:
    with make_vm(modules=[samples_dir / "kchan_echo.ko", samples_dir / "kchan_hello.ko"]) as guest:
        yield guest


@pytest.fixture
def remote(daemon: Daemon) -> Iterator[Remote]:
    with daemon.remote() as connection:
        settle(connection, lambda _: {"tick", "echo", "exit"} <= connection.channels().keys())
        connection.update("tick", rate_hz=1000, count=0)
        yield connection


def test_lists_channels_of_other_modules_with_their_schemas(remote: Remote) -> None:
    channels = remote.channels()
    assert channels["echo"].provider == "kchan_echo"
    assert channels["hello"].provider == "kchan_hello"
    # What netlink's groups multicast is described by NetlinkService.
    ours = [name for name in channels if not name.startswith("netlink/")]
    assert all(remote.schema(name).types for name in ours)


def test_decodes_a_real_record_by_its_schema(vm: Vm, remote: Remote) -> None:
    schema = remote.schema("exit")
    stream = remote.subscribe("exit")
    stream.until_live("exit")
    vm.push(b"#!/bin/sh\nexit 42\n", "/tmp/forty-two", mode=0o755)
    vm.sh("/tmp/forty-two", check=False)

    def is_ours(response: Any) -> bool:
        return any(
            schema.decode(record)["comm"] == "forty-two" for record in response.batch.records
        )

    batch = stream.until(is_ours).batch
    (ours,) = [
        decoded for decoded in map(schema.decode, batch.records) if decoded["comm"] == "forty-two"
    ]
    assert ours["exit_code"] == 42
    stream.cancel()


def test_a_client_that_decodes_no_schema_is_given_json(vm: Vm, remote: Remote) -> None:
    stream = remote.subscribe("exit", payload_format="PAYLOAD_FORMAT_JSON", filter="comm = ended")
    stream.until_live("exit")
    vm.push(b"#!/bin/sh\nexit 42\n", "/tmp/ended", mode=0o755)
    vm.sh("/tmp/ended", check=False)
    (record,) = stream.until(lambda response: len(response.batch.records) == 1).batch.records
    stream.cancel()
    assert record.payload == b""
    told = json.loads(record.json)
    assert told["type"] == "exit"
    expected = {"comm": "ended", "exit_code": 42, "signal": "none", "core_dumped": False}
    assert told["fields"].items() >= expected.items()


def test_a_filter_sends_what_matches_of_real_records_and_counts_the_rest(
    vm: Vm, remote: Remote
) -> None:
    schemas = {name: remote.schema(name) for name in ("exec", "tick")}
    stream = remote.subscribe("exec", "tick", filter='filename = "*/filtered-*" OR counter < 5')
    stream.until_live(*schemas)
    remote.update("tick", rate_hz=1000, count=50)
    vm.push(b"#!/bin/sh\nexit 0\n", "/tmp/filtered-one", mode=0o755)
    vm.sh("/tmp/filtered-one; /bin/true; /tmp/filtered-one")
    found: dict[str, list[Any]] = {"exec": [], "tick": []}

    def enough(response: Any) -> bool:
        for record in response.batch.records:
            channel = response.batch.channel
            found[channel].append(schemas[channel].decode(record))
        return len(found["exec"]) == 2 and stream.ledger("exec").filtered > 0

    stream.until(enough)
    assert [record["filename"] for record in found["exec"]] == ["/tmp/filtered-one"] * 2
    assert all(record["counter"] < 5 for record in found["tick"])
    stream.cancel()


def test_a_filter_on_a_field_that_no_channel_has_is_refused(remote: Remote) -> None:
    with pytest.raises(grpc.RpcError) as refusal:
        remote.subscribe("exec", "tick", filter="pid = 1 AND filenam = x")
    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "open.filter: column 13: no selected channel has a field" in refusal.value.details()


def test_generic_netlink_records_arrive_like_any_other(remote: Remote) -> None:
    remote.update("tick_genl", rate_hz=500, count=0)
    stream = remote.subscribe("tick_genl")
    stream.take(500)
    assert stream.ledger("tick_genl").balances()
    stream.cancel()


def test_two_readers_each_get_everything(remote: Remote) -> None:
    first, second = remote.subscribe("tick"), remote.subscribe("tick")
    both = [{record.sequence for _, record in stream.take(1000)} for stream in (first, second)]
    common = range(max(map(min, both)), min(map(max, both)) + 1)
    assert len(common) > 100
    for stream, numbers in zip((first, second), both, strict=True):
        lost = sum(stream.ledger("tick").lost.values())
        assert len(numbers & set(common)) >= len(common) - lost
        stream.cancel()


def test_history_gives_the_last_records_then_marks_its_end(remote: Remote) -> None:
    live = remote.subscribe("tick")
    live.take(200)
    stream = remote.subscribe("tick", last=50)
    end = stream.until(lambda response: response.HasField("history_end")).history_end
    ledger = stream.ledger("tick")
    # The batch that ends the history may hold what came meanwhile.
    assert ledger.last >= end.cursor.sequence
    assert end.cursor.sequence - ledger.first + 1 == 50
    for each in (live, stream):
        each.cancel()


def test_cursor_resumes_behind_itself(remote: Remote) -> None:
    stream = remote.subscribe("tick")
    stream.take(100)
    ((epoch, ledger),) = stream.ledgers["tick"].items()
    stream.cancel()
    resumed = remote.subscribe("tick", cursor=remote.cursor("tick", epoch, ledger.last))
    resumed.take(100)
    assert resumed.ledger("tick").first == ledger.last + 1
    resumed.cancel()


def test_since_a_time_and_so_many_records(remote: Remote) -> None:
    live = remote.subscribe("tick")
    records = [record for _, record in live.take(300)]
    time_ns = records[150].boottime_ns
    stream = remote.subscribe(
        "tick", since_ns=time_ns + live.hello.clock_offset_ns, stop={"records": 50}
    )
    chosen = [record for response in stream for record in response.batch.records]
    assert len(chosen) == 50  # and the stream has ended, with OK
    # Reading two clocks takes its time, in a guest more so.
    assert min(record.boottime_ns for record in chosen) > time_ns - 10_000_000
    assert chosen[0].sequence <= records[-1].sequence
    assert stream.ledger("tick").balances()
    live.cancel()


def test_history_ends_the_stream_and_sampling_goes_by_number(remote: Remote) -> None:
    live = remote.subscribe("tick")
    live.take(200)
    stream = remote.subscribe("tick", oldest=True, sample_every=10, stop={"end_of_history": True})
    chosen = [record for response in stream for record in response.batch.records]
    assert chosen and all(record.sequence % 10 == 0 for record in chosen)
    assert stream.ledger("tick").balances()
    live.cancel()


def test_a_channel_waits_for_nobody_unless_its_owner_allows_it(remote: Remote) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        remote.subscribe("tick", overflow_policy="OVERFLOW_POLICY_BLOCK")
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "allow_block" in refused.value.details()


def test_commands_are_answered_with_the_kernels_own_status(remote: Remote) -> None:
    schema = remote.schema("echo")
    say, said = schema.type_id("say"), schema.type_id("said")
    stream = remote.subscribe("echo")
    stream.until_live("echo")

    good, empty, short = remote.publish("echo", say, [b"hello".ljust(64, b"\0"), bytes(64), b"x"])
    assert (good.status.code, good.kernel_errno) == (OK, 0)
    assert (empty.status.code, empty.kernel_errno) == (INVALID_ARGUMENT, errno.EINVAL)
    assert "nothing to say" in empty.status.message
    assert short.status.code == INVALID_ARGUMENT
    assert [answer.request_id for answer in (good, empty, short)] == [1, 2, 3]

    ((_, record),) = stream.take(1)
    assert record.type == said
    assert schema.decode(record)["text"] == "hello"
    stream.cancel()


def test_command_to_no_channel_says_so_and_the_stream_goes_on(remote: Remote) -> None:
    (answer,) = remote.publish("nosuch", 1, [b""])
    assert answer.status.code == NOT_FOUND
    assert "nosuch" in answer.status.message


def test_subscribing_to_no_channel_is_not_found(remote: Remote) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        remote.subscribe("nosuch")
    assert refused.value.code() == grpc.StatusCode.NOT_FOUND
    assert "nosuch" in refused.value.details()


def test_setting_out_of_range_names_the_parameter(remote: Remote) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        remote.update("tick", context=99)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "context" in refused.value.details()


def test_termination_ends_streams_with_unavailable(daemon: Daemon, remote: Remote) -> None:
    stream = remote.subscribe("tick")
    stream.take(10)
    daemon.terminate()
    ends_with(stream.call, grpc.StatusCode.UNAVAILABLE)
    assert "stopped" in daemon.log()
