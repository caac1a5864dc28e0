# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, one class for each canonical code.

    KchanError
      NotFound, InvalidArgument, PermissionDenied, FailedPrecondition, OutOfRange,
      Unimplemented, ResourceExhausted, Unavailable, DeadlineExceeded, Cancelled,
      DataLoss, Unauthenticated, AlreadyExists, Aborted, Internal, Unknown
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError

from kchan.google_rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from kchan.google_rpc.status_pb2 import Status
from kchan.v1.record_pb2 import Cursor

_DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True)
class Violation:
    """Where a request is wrong, and how."""

    field: str
    description: str


class KchanError(Exception):
    """What kchand, or the connection to it, answered instead.

    code            the canonical code, as grpc.StatusCode has them: 5 is NOT_FOUND
    message         for a person; str() says also what was attempted
    reason          of google.rpc.ErrorInfo: "NO_SUCH_CHANNEL"; "" if it has none
    metadata        of google.rpc.ErrorInfo
    violations      of google.rpc.BadRequest: which fields are wrong
    retry_delay_s   of google.rpc.RetryInfo; None if the daemon did not ask for one
    cursors         how far a subscription had come that the daemon ended
    kernel_errno    the kernel's own answer, a positive errno; 0 if none: of Publish,
                    and of requests to netlink families, whose errors also have
    errno_name      "ENODEV"
    extended_ack    the kernel's own words
    attribute       the path of the attribute that is wrong: "header.dev-name"
    missing_attribute  the one that is not there
                    each "" if it was not told
    """

    code: int = 2

    def __init__(self, operation: str, status: Status, kernel_errno: int = 0) -> None:
        self.message: str = status.message
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.violations: list[Violation] = []
        self.retry_delay_s: float | None = None
        self.cursors: list[Cursor] = []
        self.kernel_errno = kernel_errno
        for detail in status.details:
            self._take(detail)
        if not self.kernel_errno and self.reason == "KERNEL_REFUSED":
            told = self.metadata.get("errno", "")
            self.kernel_errno = int(told) if told.isascii() and told.isdecimal() else 0
        super().__init__(f"{operation}: {self.message}{self._what_the_message_lacks()}")

    @property
    def errno_name(self) -> str:
        known = self.metadata.get("errno_name", "")
        return known or errno.errorcode.get(self.kernel_errno, "")

    @property
    def extended_ack(self) -> str:
        return self.metadata.get("extended_ack", "")

    @property
    def attribute(self) -> str:
        return self.metadata.get("attribute", "")

    @property
    def missing_attribute(self) -> str:
        return self.metadata.get("missing_attribute", "")

    def _take(self, detail: AnyMessage) -> None:
        # By the type's last name: ours are not called google.rpc here.
        name = detail.type_url.rpartition("/")[2].rpartition(".")[2]
        try:
            if name == "ErrorInfo":
                info = ErrorInfo.FromString(detail.value)
                self.reason, self.metadata = info.reason, dict(info.metadata)
            elif name == "BadRequest":
                for violation in BadRequest.FromString(detail.value).field_violations:
                    self.violations.append(Violation(violation.field, violation.description))
            elif name == "RetryInfo":
                delay = RetryInfo.FromString(detail.value).retry_delay
                self.retry_delay_s = delay.seconds + delay.nanos / 1e9
            elif name == "Cursor":
                self.cursors.append(Cursor.FromString(detail.value))
        except DecodeError:
            pass  # A detail that cannot be read takes nothing from the error.

    def _what_the_message_lacks(self) -> str:
        return "".join(
            f" [{violation.field}: {violation.description}]"
            for violation in self.violations
            if violation.field not in self.message
        )


class Cancelled(KchanError):
    code = 1


class Unknown(KchanError):
    code = 2


class InvalidArgument(KchanError):
    code = 3


class DeadlineExceeded(KchanError):
    code = 4


class NotFound(KchanError):
    code = 5


class AlreadyExists(KchanError):
    code = 6


class PermissionDenied(KchanError):
    code = 7


class ResourceExhausted(KchanError):
    code = 8


class FailedPrecondition(KchanError):
    code = 9


class Aborted(KchanError):
    code = 10


class OutOfRange(KchanError):
    code = 11


class Unimplemented(KchanError):
    code = 12


class Internal(KchanError):
    code = 13


class Unavailable(KchanError):
    code = 14


class DataLoss(KchanError):
    """The daemon broke a promise of the protocol: do not trust what it sends."""

    code = 15


class Unauthenticated(KchanError):
    code = 16


_CLASSES = {kind.code: kind for kind in KchanError.__subclasses__()}


def from_status(operation: str, status: Status, kernel_errno: int = 0) -> KchanError:
    """The error that `status`, which is not OK, stands for."""
    return _CLASSES.get(status.code, Unknown)(operation, status, kernel_errno)


def make(kind: type[KchanError], operation: str, message: str) -> KchanError:
    """An error of our own."""
    return kind(operation, Status(code=kind.code, message=message))


def from_rpc(operation: str, error: grpc.RpcError) -> KchanError:
    """What ended a call, sync or aio."""
    # An RpcError is also a Call, which its type does not say.
    call: Any = error
    code: int = call.code().value[0]
    status = Status()
    for key, value in call.trailing_metadata() or ():
        if key != _DETAILS_KEY:
            continue
        try:
            status = Status.FromString(value)
        except DecodeError:
            status = Status()
    status.code = code
    if not status.message:
        status.message = call.details() or ""
    return from_status(operation, status)
