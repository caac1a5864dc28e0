# SPDX-License-Identifier: Apache-2.0
"""A remote client in Python, on Debian's grpcio and the protos alone.

It shares no code with our library, so what it can read, any client can. It
checks what every client may rely on: each batch's arithmetic, and that one
batch starts where the last one ended.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from schema import Schema

_PROTO = Path(__file__).resolve().parents[2] / "proto"


def generate_stubs(folder: Path) -> None:
    """Makes Python's classes of the protos in `folder` and lets them be imported."""
    protos = sorted(_PROTO.glob("google/rpc/*.proto")) + sorted(_PROTO.glob("kchan/v1/*.proto"))
    subprocess.run(
        [
            "protoc", f"-I{_PROTO}", f"--python_out={folder}", f"--grpc_python_out={folder}",
            "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin",
            *(str(proto.relative_to(_PROTO)) for proto in protos),
        ],
        check=True,
    )  # fmt: skip
    sys.path.insert(0, str(folder))


def _module(name: str) -> Any:
    return importlib.import_module(f"kchan.v1.{name}")


@dataclass
class Ledger:
    """What became of one channel's numbers, in one epoch."""

    first: int = 0
    last: int = 0
    received: int = 0
    filtered: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    lost_by_cpu: Counter[int | None] = field(default_factory=Counter)  # None: not told

    def add(self, batch: Any, stage_name: Callable[[int], str]) -> None:
        if batch.first_sequence == 0:
            return
        lost = sum(loss.count for loss in batch.lost)
        covered = batch.last_sequence - batch.first_sequence + 1
        assert covered == len(batch.records) + lost + batch.filtered, batch
        assert self.last in (0, batch.first_sequence - 1), (self.last, batch.first_sequence)
        self.first = self.first or batch.first_sequence
        self.last = batch.last_sequence
        self.received += len(batch.records)
        self.filtered += batch.filtered
        for loss in batch.lost:
            self.lost[stage_name(loss.stage)] += loss.count
            self.lost_by_cpu[loss.cpu if loss.HasField("cpu") else None] += loss.count

    def balances(self) -> bool:
        covered = self.last - self.first + 1 if self.first else 0
        return covered == self.received + self.filtered + sum(self.lost.values())


class Stream:
    """One subscription: iterate over its responses."""

    def __init__(self, remote: Remote, open_request: Any) -> None:
        self._requests = [open_request]
        self.records = 0
        # By channel, then by epoch.
        self.ledgers: dict[str, dict[int, Ledger]] = {}
        self.call = remote.channel_stub.Subscribe(iter([open_request]))
        self._stage_name = _module("record_pb2").LossStage.Name
        self.hello = next(self.call).hello

    def __iter__(self) -> Iterator[Any]:
        for response in self.call:
            if response.HasField("batch"):
                batch = response.batch
                ledgers = self.ledgers.setdefault(batch.channel, {})
                ledgers.setdefault(batch.epoch, Ledger()).add(batch, self._stage_name)
                self.records += len(batch.records)
            yield response

    def until(self, done: Callable[[Any], bool], seconds: float = 60) -> Any:
        """The first response that `done` accepts."""
        deadline = time.monotonic() + seconds
        for response in self:
            if done(response):
                return response
            assert time.monotonic() < deadline, f"not seen within {seconds} s"
        raise AssertionError("the stream ended")

    def until_live(self, *channels: str) -> None:
        """All of them, in whichever order that is told."""
        missing = set(channels)

        def none_missing(response: Any) -> bool:
            update = response.channel_update
            if update.state == _module("channel_pb2").CHANNEL_STATE_LIVE:
                missing.discard(update.channel)
            return not missing

        self.until(none_missing)

    def take(self, count: int, seconds: float = 60) -> list[tuple[str, Any]]:
        """At least `count` more records, each with its channel's name."""
        taken: list[tuple[str, Any]] = []

        def enough(response: Any) -> bool:
            batch = response.batch if response.HasField("batch") else None
            if batch:
                taken.extend((batch.channel, record) for record in batch.records)
            return len(taken) >= count

        self.until(enough, seconds)
        return taken

    def ledger(self, channel: str) -> Ledger:
        """Of a channel that had one epoch."""
        (only,) = self.ledgers[channel].values()
        return only

    def cancel(self) -> None:
        self.call.cancel()


def _value(number: int) -> Any:
    if number < 0:
        return _module("value_pb2").Value(signed_value=number)
    return _module("value_pb2").Value(unsigned_value=number)


def _number(value: Any) -> int:
    return getattr(value, value.WhichOneof("kind"))


def _words(values: Any) -> dict[str, int]:
    return {word.name: _number(word.value) for word in values.words}


class Remote:
    """kchand, seen from outside."""

    def __init__(self, target: str, seconds: float = 30) -> None:
        self.channel = grpc.insecure_channel(target)
        grpc.channel_ready_future(self.channel).result(timeout=seconds)
        self.channel_stub = _module("channel_service_pb2_grpc").ChannelServiceStub(self.channel)
        self.node_stub = _module("node_service_pb2_grpc").NodeServiceStub(self.channel)

    def close(self) -> None:
        self.channel.close()

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def channels(self) -> dict[str, Any]:
        request = _module("channel_service_pb2").ListChannelsRequest()
        listed = self.channel_stub.ListChannels(request, timeout=30).channels
        return {channel.name: channel for channel in listed}

    def schema(self, channel: str, schema_id: int = 0) -> Schema:
        """One by its id, or the current one."""
        request = _module("channel_service_pb2").GetSchemaRequest(
            channel=channel, schema_id=schema_id
        )
        return Schema(self.channel_stub.GetSchema(request, timeout=30).schema)

    def status(self) -> Any:
        request = _module("node_service_pb2").GetStatusRequest()
        return self.node_stub.GetStatus(request, timeout=30)

    def update(self, channel: str, linger_ms: int | None = None, **parameters: int) -> Any:
        request = _module("channel_service_pb2").UpdateChannelRequest(
            name=channel, linger_ms=linger_ms, parameters=parameters
        )
        return self.channel_stub.UpdateChannel(request, timeout=30).channel

    def publish(self, channel: str, record_type: int, payloads: Iterable[bytes]) -> list[Any]:
        """Sends each; their responses, in order."""
        request = _module("channel_service_pb2").PublishRequest
        requests = (
            request(request_id=index, channel=channel, type=record_type, payload=payload)
            for index, payload in enumerate(payloads, start=1)
        )
        return list(self.channel_stub.Publish(requests, timeout=60))

    def values(self, channel: str) -> dict[str, int]:
        """Each word's value, by its name."""
        request = _module("value_pb2").GetValuesRequest(channel=channel)
        return _words(self.channel_stub.GetValues(request, timeout=30).values)

    def text(self, channel: str) -> str:
        """The one word of a file."""
        request = _module("value_pb2").GetValuesRequest(channel=channel)
        (word,) = self.channel_stub.GetValues(request, timeout=30).values.words
        return word.value.text_value

    def set_text(self, channel: str, text: str) -> None:
        request = _module("value_pb2").SetValueRequest(
            channel=channel, word="text", value=_module("value_pb2").Value(text_value=text)
        )
        self.channel_stub.SetValue(request, timeout=30)

    def set_value(self, channel: str, word: str, value: int) -> int:
        """What the word was before."""
        request = _module("value_pb2").SetValueRequest(
            channel=channel, word=word, value=_value(value)
        )
        return _number(self.channel_stub.SetValue(request, timeout=30).before)

    def add_value(self, channel: str, word: str, delta: int) -> tuple[int, int]:
        """What the word was before and is after."""
        request = _module("value_pb2").AddValueRequest(channel=channel, word=word, delta=delta)
        answer = self.channel_stub.AddValue(request, timeout=30)
        return _number(answer.before), _number(answer.after)

    def swap_value(self, channel: str, word: str, expected: int, value: int) -> tuple[bool, int]:
        """Whether the word was what was expected, and what it was."""
        request = _module("value_pb2").CompareAndSwapValueRequest(
            channel=channel, word=word, expected=_value(expected), value=_value(value)
        )
        answer = self.channel_stub.CompareAndSwapValue(request, timeout=30)
        return answer.swapped, _number(answer.before)

    def watch_values(self, *channels: str) -> grpc.Call:
        request = _module("value_pb2").WatchValuesRequest(channels=channels)
        return self.channel_stub.WatchValues(request, timeout=60)

    def read_blocks(self, channel: str, offset: int, length: int) -> bytes:
        request = _module("block_pb2").ReadBlocksRequest(
            channel=channel, offset_bytes=offset, length_bytes=length
        )
        parts = self.channel_stub.ReadBlocks(request, timeout=60)
        return b"".join(part.data for part in parts)

    def write_blocks(self, channel: str, offset: int, data: bytes, flush: bool = False) -> int:
        """How many bytes were written."""
        return self.write_extents(channel, [(offset, data)], flush)

    def write_extents(
        self, channel: str, extents: Iterable[tuple[int, bytes]], flush: bool = False
    ) -> int:
        """The same of several (offset, data), each sent when it comes; then the flush."""
        message = _module("block_pb2").WriteBlocksRequest

        def requests() -> Iterator[Any]:
            for offset, data in extents:
                yield message(channel=channel, offset_bytes=offset, data=data)
            if flush:
                yield message(channel=channel, flush=True)

        return self.channel_stub.WriteBlocks(requests(), timeout=60).written_bytes

    def flush_blocks(self, channel: str) -> None:
        request = _module("block_pb2").FlushBlocksRequest(channel=channel)
        self.channel_stub.FlushBlocks(request, timeout=60)

    def subscribe(
        self,
        *channels: str,
        oldest: bool = False,
        last: int | None = None,
        cursor: Any = None,
        since_ns: int | None = None,
        **options: Any,
    ) -> Stream:
        """Subscribes to names or, with a `*` in it, globs; since_ns is UTC."""
        service = _module("channel_service_pb2")
        start = service.Start()
        if oldest:
            start.oldest.SetInParent()
        elif last is not None:
            start.last_records = last
        elif cursor is not None:
            start.cursor.CopyFrom(cursor)
        elif since_ns is None:
            start.now.SetInParent()
        if since_ns is not None:
            start.since.FromNanoseconds(since_ns)
        selections = [
            service.Selection(**{"glob" if "*" in channel else "name": channel}, start=start)
            for channel in channels
        ]
        opening = service.SubscribeRequest.Open(selections=selections, **options)
        return Stream(self, service.SubscribeRequest(open=opening))

    @staticmethod
    def cursor(channel: str, epoch: int, sequence: int) -> Any:
        return _module("record_pb2").Cursor(channel=channel, epoch=epoch, sequence=sequence)
