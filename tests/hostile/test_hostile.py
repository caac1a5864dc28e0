# SPDX-License-Identifier: Apache-2.0
"""A real kchand under attack: its memory stays bounded, others are served meanwhile.

  /usr/bin/python3 -m pytest -s tests/hostile --build-dir build/dev

-s shows what was measured.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

sys.path[:0] = [str(Path(__file__).parent)]

import attacks  # noqa: E402
from victim import MAX_WAIT, MIB, Bystander, Kchand, check, stubs  # noqa: E402

_SECONDS = 2.0


def withstand(kchand: Kchand, attack: attacks.Attack, address: attacks.Address) -> None:
    before = kchand.resident_bytes()
    with Bystander(kchand) as bystander:
        count = attack(address, _SECONDS)
    assert count > 0
    check(kchand, bystander, before, f"{count} in {_SECONDS:.0f} s")


@pytest.mark.parametrize(
    "attack",
    [attacks.garbage, attacks.handshakes, attacks.ping_flood, attacks.rapid_reset],
)
def test_stranger_without_a_certificate_harms_nobody(
    kchand: Kchand, attack: attacks.Attack
) -> None:
    withstand(kchand, attack, kchand.tls_address)


@pytest.mark.parametrize("attack", [attacks.garbage, attacks.unfinished_headers])
def test_one_who_may_connect_harms_nobody(kchand: Kchand, attack: attacks.Attack) -> None:
    withstand(kchand, attack, kchand.address)


def await_answer(channel: grpc.Channel) -> None:
    """As a client who comes back: a connection on which kchand did not get round to
    reading for as long as its keep-alive waits is closed.
    """
    from kchan.v1 import node_service_pb2

    _, services = stubs()
    node = services.NodeServiceStub(channel)
    # What has piled up takes as long as the machine is busy with other things.
    deadline = time.monotonic() + 240
    while True:
        left = deadline - time.monotonic()
        try:
            node.GetStatus(node_service_pb2.GetStatusRequest(), timeout=left, wait_for_ready=True)
            return
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE:
                raise


# What gRPC 1.51 does not bound (docs/security.md): memory grows, others wait. It
# must end with the attack.
@pytest.mark.parametrize("attack", [attacks.ping_flood, attacks.rapid_reset])
def test_flood_of_frames_by_one_who_may_connect_is_survived(
    kchand: Kchand, attack: attacks.Attack
) -> None:
    before = kchand.resident_bytes()
    kchand.is_overrun = True
    count = attack(kchand.address, _SECONDS)
    growth = kchand.resident_bytes() - before
    begin = time.monotonic()
    with grpc.insecure_channel(kchand.socket) as channel:
        await_answer(channel)
    print(
        f"\n{count} in {_SECONDS:.0f} s: memory +{growth / MIB:.0f} MiB, and an answer "
        f"{time.monotonic() - begin:.1f} s later"
    )


def open_subscription(channel: grpc.Channel, **options: Any) -> Any:
    from kchan.v1 import channel_service_pb2

    services, _ = stubs()
    request = channel_service_pb2.SubscribeRequest()
    request.open.selections.add().glob = "*"
    for name, value in options.items():
        setattr(request.open, name, value)
    return services.ChannelServiceStub(channel).Subscribe(iter([request]))


def test_subscriptions_beyond_the_limit_are_refused_and_others_go_on(kchand: Kchand) -> None:
    before = kchand.resident_bytes()
    with kchand.channel() as channel, Bystander(kchand) as bystander:
        streams = [open_subscription(channel) for _ in range(1024)]
        for stream in streams:
            assert next(stream).HasField("hello")
        with pytest.raises(grpc.RpcError) as refused:
            next(open_subscription(channel))
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "subscriptions" in refused.value.details()
        for stream in streams:
            stream.cancel()
    check(kchand, bystander, before, "1024 subscriptions")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a = 1 AND " * 100_000 + "a = 1", id="long"),
        pytest.param("(" * 500_000 + ")" * 500_000, id="deep"),
        pytest.param("NOT " * 200_000 + "a = 1", id="negated"),
        pytest.param('a = "' + "*" * 1_000_000 + '"', id="stars"),
    ],
)
def test_filter_without_end_is_refused_at_once(kchand: Kchand, text: str) -> None:
    before = kchand.resident_bytes()
    with kchand.channel() as channel, Bystander(kchand) as bystander:
        begin = time.monotonic()
        with pytest.raises(grpc.RpcError) as refused:
            next(open_subscription(channel, filter=text))
        assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert time.monotonic() - begin < MAX_WAIT
    check(kchand, bystander, before, f"a filter of {len(text)} bytes")


def test_message_that_is_too_long_is_refused(kchand: Kchand) -> None:
    before = kchand.resident_bytes()
    with kchand.channel() as channel, Bystander(kchand) as bystander:
        with pytest.raises(grpc.RpcError) as refused:
            next(open_subscription(channel, filter="a" * (64 * MIB)))
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    check(kchand, bystander, before, "a request of 64 MiB")
