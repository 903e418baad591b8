"""The line between the parent and one child: descriptors and orders down, single bytes up. No policy.

    parent                                  child
    128 + n and n descriptors ----------->  n connections, at most 16
    g f                       ----------->  stop: gracefully, forcedly
    u U w                     ----------->  statistics: get and reset, get, stop
    e                         ----------->  there will be no more connections
                              <-----------  r    ready to serve
                              <-----------  t    of one there was no descriptor left for: take it back
                              <-----------  a    one message of descriptors has arrived
                              <-----------  .    one connection is finished: its credit comes back
                              <-----------  l    leaving, because someone told the child itself to
                              <-----------  x + length + text    what failed, and why

It is one stream socketpair, so bytes coalesce: one read returns many credits. The kernel never joins the descriptors of
two messages into one read. The end of the stream means that the other side is dead.

The parent keeps a descriptor of the child's end as well. What the child has not read can so be read by the parent
itself: of each message exactly one of the two gets hold. In return only the pidfd tells the parent of a child's death.
"""

import array
import enum
import errno
import os
import socket
import struct
from collections.abc import Sequence
from typing import NamedTuple

from riser.core.balance import MOST_PER_MESSAGE
from riser.core.operation import Operation
from riser.errors import CallbackError

_DESCRIPTORS = 128
_COUNT = 127
_RETURNED = ord("t")
_END = b"e"
_READY = ord("r")
_RECEIVED = ord("a")
_FINISHED = ord(".")
_LEAVING = ord("l")
_FAILED = ord("x")
_ONE_FINISHED = b"."
_LENGTH = struct.Struct("!I")
_READ_BYTES = 4096
_ORDERS = {
    Operation.STOP_GRACEFUL: b"g",
    Operation.STOP_FORCED: b"f",
    Operation.STAT_GET_AND_RESET: b"u",
    Operation.STAT_GET_NO_RESET: b"U",
    Operation.STAT_STOP: b"w",
}
_OPERATIONS = {order[0]: operation for operation, order in _ORDERS.items()}
_RECEIVE_FLAGS = int(socket.MSG_DONTWAIT | socket.MSG_CMSG_CLOEXEC)
_ANCILLARY_BYTES = socket.CMSG_SPACE(MOST_PER_MESSAGE * array.array("i").itemsize)


class Sending(enum.Enum):
    """What became of a message."""

    SENT = "sent"
    FULL = "full"
    GONE = "gone"


class News(NamedTuple):
    """What a child has said since the last look; `received` has for each message how many of it come back."""

    ready: bool = False
    received: Sequence[int] = ()
    finished: int = 0
    leaving: bool = False
    failure: CallbackError | None = None
    ended: bool = False


class Delivery(NamedTuple):
    """What a parent has sent: connections, `lost` more for which there was no descriptor, and orders."""

    connections: Sequence[int] = ()
    lost: int = 0
    operations: Sequence[Operation] = ()
    complete: bool = False
    ended: bool = False


class ParentEnd:
    """The parent's end; never blocks. `far` is the parent's own descriptor of the child's end."""

    def __init__(self, end: socket.socket, far: "ChildEnd") -> None:
        end.setblocking(False)  # noqa: FBT003 - the signature of the standard library
        self._socket = end
        self._far = far
        self._unparsed = b""
        self._owed = bytearray()

    def fileno(self) -> int:
        """Readable when there is news."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let go; the child sees that its parent is gone."""
        self._far.close()
        self._socket.close()

    def child_is_dead(self) -> None:
        """Let go of the child's end, so that the stream ends after what the child has said."""
        self._far.close()

    @property
    def owes(self) -> bool:
        """Whether there are orders that the line had no room for, and that `pay` has to bring."""
        return bool(self._owed)

    def send(self, connections: Sequence[int]) -> Sending:
        """Pass up to `MOST_PER_MESSAGE` descriptors, after all orders; the caller's copies stay open."""
        if self._owed and (outcome := self.pay()) is not Sending.SENT:
            return outcome
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", connections))]
        try:
            self._socket.sendmsg([bytes((_DESCRIPTORS + len(connections),))], rights)
        except OSError as error:
            return _outcome(error)
        return Sending.SENT

    def order(self, operation: Operation) -> Sending:
        """Ask something of the child; what there is no room for now is owed to it."""
        self._owed += _ORDERS[operation]
        return self.pay()

    def complete(self) -> Sending:
        """Say that there will be no more connections; owed as an order is."""
        self._owed += _END
        return self.pay()

    def pay(self) -> Sending:
        """Give as many of the owed orders as there is room for; one that is stopped, or slow, may have many unread."""
        while self._owed:
            try:
                del self._owed[: self._socket.send(self._owed)]
            except OSError as error:
                if (outcome := _outcome(error)) is Sending.GONE:
                    self._owed.clear()
                return outcome
        return Sending.SENT

    def take_back(self) -> int:
        """Take everything out of the line that the child has not read; how many connections that was.

        Orders are sent again. The copies of descriptors are closed: the caller has its own.
        """
        unread: list[Delivery] = []
        while (delivery := self._far.receive()) != Delivery():
            unread.append(delivery)
        orders = bytearray()
        for delivery in unread:
            for copy in delivery.connections:
                os.close(copy)
            orders += b"".join(_ORDERS[operation] for operation in delivery.operations)
            orders += _END * delivery.complete
        self._owed[:0] = orders
        self.pay()
        return sum(len(delivery.connections) + delivery.lost for delivery in unread)

    def receive(self) -> News:
        """Everything that has been said by now."""
        said = self._unparsed
        ended = False
        while True:
            try:
                piece = self._socket.recv(_READ_BYTES)
            except BlockingIOError:
                break
            except ConnectionError:
                piece = b""
            if not piece:
                ended = True
                break
            said += piece
            if len(piece) < _READ_BYTES:
                break
        return self._parse(said, ended=ended)

    def _parse(self, said: bytes, *, ended: bool) -> News:
        words, failure, self._unparsed = _split_failure(said)
        return News(
            ready=_READY in words,
            received=_messages_received(words),
            finished=words.count(_FINISHED),
            leaving=_LEAVING in words,
            failure=failure,
            ended=ended,
        )


class ChildEnd:
    """The child's end; `tell_finished` may be called from any thread, everything else from one."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        """Readable when the parent has sent something, or is dead."""
        return self._socket.fileno()

    def close(self) -> None:
        """Let go; the parent sees that the child is gone."""
        self._socket.close()

    def receive(self) -> Delivery:
        """The next message, and the orders before it; `tell_received` has to answer each that brings connections."""
        try:
            words, ancillary, _flags, _ = self._socket.recvmsg(_READ_BYTES, _ANCILLARY_BYTES, _RECEIVE_FLAGS)
        except BlockingIOError:
            return Delivery()
        except ConnectionError:
            return Delivery(ended=True)
        if not words:
            return Delivery(ended=True)
        # Counted and not read from MSG_CTRUNC: that flag says that some are missing, but not how many.
        connections = _descriptors(ancillary)
        sent = sum(word & _COUNT for word in words if word & _DESCRIPTORS)
        return Delivery(
            connections=connections,
            lost=sent - len(connections),
            operations=[_OPERATIONS[word] for word in words if word in _OPERATIONS],
            complete=_END[0] in words,
        )

    def tell_ready(self) -> None:
        """Say that the child serves."""
        self._say(bytes((_READY,)))

    def tell_received(self, *, lost: int = 0) -> None:
        """Say that one message of descriptors has arrived, all but the `lost` last of them."""
        self._say(bytes((_RETURNED,)) * lost + bytes((_RECEIVED,)))

    def tell_finished(self) -> None:
        """Say that one connection is finished."""
        self._say(_ONE_FINISHED)

    def tell_leaving(self) -> None:
        """Say that the child will end without having been told to by its parent."""
        self._say(bytes((_LEAVING,)))

    def tell_failure(self, callback: str, error: BaseException) -> None:
        """Say which callback failed and what its exception says."""
        text = f"{callback}\n{type(error).__name__}: {error}".encode("utf-8", "replace")
        self._say(bytes((_FAILED,)) + _LENGTH.pack(len(text)) + text)

    def _say(self, words: bytes) -> None:
        # If the parent is dead, the end of the stream tells the one who has to know.
        try:  # noqa: SIM105 - a suppressing context costs as much as the call, on the way of every connection
            self._socket.sendall(words)
        except ConnectionError:
            pass


def channel() -> tuple[ParentEnd, ChildEnd]:
    """Both ends of a new line; to be made before the fork, after which each side closes the other's end.

    What the parent closes is its second descriptor of the child's end.
    """
    parent, child = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        far = child.dup()
    except OSError:
        parent.close()
        child.close()
        raise
    return ParentEnd(parent, ChildEnd(far)), ChildEnd(child)


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return found.tolist()


def _messages_received(words: bytes) -> Sequence[int]:
    if _RETURNED not in words:
        return (0,) * words.count(_RECEIVED)
    return [part.count(_RETURNED) for part in words.split(bytes((_RECEIVED,)))[:-1]]


def _split_failure(said: bytes) -> tuple[bytes, CallbackError | None, bytes]:
    """The single words, the failure if one has been told completely, and what must wait for its rest."""
    start = said.find(_FAILED)
    if start < 0:
        return said, None, b""
    text_start = start + 1 + _LENGTH.size
    if len(said) < text_start:
        return said[:start], None, said[start:]
    end = text_start + _LENGTH.unpack_from(said, start + 1)[0]
    if len(said) < end:
        return said[:start], None, said[start:]
    name, _, reason = said[text_start:end].decode("utf-8", "replace").partition("\n")
    return said[:start] + said[end:], CallbackError(name, reason), b""


def _outcome(error: OSError) -> Sending:
    # ETOOMANYREFS: as many descriptors are on their way as this user may have open.
    if isinstance(error, BlockingIOError) or error.errno in (errno.ETOOMANYREFS, errno.ENOBUFS):
        return Sending.FULL
    if isinstance(error, ConnectionError):
        return Sending.GONE
    raise error
