"""What can go wrong between a caller and a service, each with its facts as fields; and the one exception that is asked
for, `StopBlock`."""

from riser.errors import RiserError


class ServiceError(RiserError):
    """Base of what riser itself says about a call; what a service raises reaches the caller as its own type."""


class UnknownServiceError(ServiceError, KeyError):
    """No service was registered under this name (`service.unknown`)."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no service is named {self.name!r}"


class NotStartedError(ServiceError):
    """Services were used before they were started, after they were stopped, or in a process that has no part in
    them; `need` says what is missing."""

    def __init__(self, need: str) -> None:
        super().__init__(need)
        self.need = need

    def __str__(self) -> str:
        return self.need


class ServiceDied(ServiceError):  # noqa: N818 - it tells what happened, as the clause does
    """The service process ended while it was at this call, which it may or may not have carried out
    (`service.death`)."""

    def __init__(self, process: str, reason: str) -> None:
        super().__init__(process, reason)
        self.process = process
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.process} died in mid-call: {self.reason}"


class ServiceUnavailableError(ServiceError):
    """No service process answered in time, or it refused; the call was not carried out."""

    def __init__(self, process: str, reason: str) -> None:
        super().__init__(process, reason)
        self.process = process
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.process} is not available: {self.reason}"


class ServiceTimeout(ServiceError, TimeoutError):  # noqa: N818 - as the clause calls it
    """The time limit of the call is over; the service may still be at it (`service.timeout`)."""

    def __init__(self, process: str, seconds: float) -> None:
        super().__init__(process, seconds)
        self.process = process
        self.seconds = seconds

    def __str__(self) -> str:
        return f"{self.process} gave no answer within {self.seconds:g} s"


class StaleReference(ServiceError, ReferenceError):  # noqa: N818 - as the clause calls it
    """The object that was referred to is gone: its process has died, or the call that lent it is over
    (`service.stale`)."""

    def __init__(self, reference: str, reason: str) -> None:
        super().__init__(reference, reason)
        self.reference = reference
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reference} is stale: {self.reason}"


class MessageTooLargeError(ServiceError, ValueError):
    """Arguments or a result are larger than the limit for messages; nothing was sent."""

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(size_bytes, limit_bytes)
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes

    def __str__(self) -> str:
        return f"a message of {self.size_bytes:,} bytes exceeds the limit of {self.limit_bytes:,}"


class ClientGone(ServiceError):  # noqa: N818 - it tells what happened
    """Raised in a service: the client whose callable is called, or whose `with` is open, has died or given up."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"the client is gone: {self.reason}"


class ProtocolError(ServiceError):
    """The other side does not speak as agreed: a foreign program, another version, or a fault of riser."""

    def __init__(self, complaint: str) -> None:
        super().__init__(complaint)
        self.complaint = complaint

    def __str__(self) -> str:
        return self.complaint


class RemoteError(ServiceError):
    """Stands for an exception that cannot travel; `kind` is the name of its class, `message` its text."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class RemoteTraceback(Exception):  # noqa: N818 - no error: the cause that an exception from another process is given
    """The traceback that an exception had in the process that raised it; it is the exception's `__cause__`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"in another process:\n\n{self.text}"


class StopBlock(BaseException):
    """Raised in a callable that was given to a service: ends the call at once, with `value` as its result.

    It is Ruby's `break`. The service is unwound (`finally` and `with` do their work there); an `except Exception` on
    the way, in the callable or in the service, does not stop it.
    """

    def __init__(self, value: object = None) -> None:
        super().__init__(value)
        self.value = value
