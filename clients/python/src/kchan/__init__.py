# SPDX-License-Identifier: Apache-2.0
"""Records of the Linux kernel, and commands to it, through kchand.

    import kchan

    with kchan.Client("unix:/run/kchan/read.sock") as client:
        for record in client.subscribe("exec", start=kchan.Oldest(), follow=False):
            print(record)

kchan.aio has the same for asyncio, kchan.v1 the classes of the protos.
"""

from kchan._backoff import Backoff
from kchan._connection import Tls
from kchan._publish import Published
from kchan._session import Options
from kchan._version import VERSION as __version__
from kchan.client import Client
from kchan.errors import (
    Aborted,
    AlreadyExists,
    Cancelled,
    DataLoss,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    KchanError,
    NotFound,
    OutOfRange,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Unknown,
    Violation,
)
from kchan.records import (
    Batch,
    ChannelUpdate,
    Clock,
    Cursor,
    Delivery,
    Disconnected,
    Heartbeat,
    Hello,
    HistoryEnd,
    Last,
    Lost,
    Now,
    Oldest,
    Record,
    Since,
    Start,
    Totals,
)
from kchan.schema import RecordType, Schema, SchemaError
from kchan.subscription import Subscription
from kchan.values import Swap, Values, ValueUpdate

__all__ = [
    "Aborted",
    "AlreadyExists",
    "Backoff",
    "Batch",
    "Cancelled",
    "ChannelUpdate",
    "Client",
    "Clock",
    "Cursor",
    "DataLoss",
    "DeadlineExceeded",
    "Delivery",
    "Disconnected",
    "FailedPrecondition",
    "Heartbeat",
    "Hello",
    "HistoryEnd",
    "Internal",
    "InvalidArgument",
    "KchanError",
    "Last",
    "Lost",
    "NotFound",
    "Now",
    "Oldest",
    "Options",
    "OutOfRange",
    "PermissionDenied",
    "Published",
    "Record",
    "RecordType",
    "ResourceExhausted",
    "Schema",
    "SchemaError",
    "Since",
    "Start",
    "Subscription",
    "Swap",
    "Tls",
    "Totals",
    "Unauthenticated",
    "Unavailable",
    "Unimplemented",
    "Unknown",
    "ValueUpdate",
    "Values",
    "Violation",
    "__version__",
]
