"""The few exceptions of riser. Each carries its facts as fields and composes its own sentence from them."""


class RiserError(Exception):
    """Base of everything that riser raises on purpose."""


class ConfigError(RiserError):
    """A parameter, attribute or address part has a value that cannot be used (`server.attributes.bad`).

    `name` is the parameter's own name, `expected` the phrase that completes "expected ...".
    """

    def __init__(self, name: str, value: object, expected: str) -> None:
        super().__init__(name, value, expected)
        self.name = name
        self.value = value
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.name}: expected {self.expected}, got {self.value!r}"


class AddressError(ConfigError):
    """A listen address cannot be understood; `name` is the part at fault (`address.invalid`)."""


class ListenError(RiserError):
    """An address is well formed but cannot be listened on: occupied, forbidden, not of this machine."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(address, reason)
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot listen on {self.address}: {self.reason}"


class AlreadyRunningError(RiserError):
    """Another daemon holds the lock of this status file (`status.lock`)."""

    def __init__(self, daemon_name: str, status_file: str) -> None:
        super().__init__(daemon_name, status_file)
        self.daemon_name = daemon_name
        self.status_file = status_file

    def __str__(self) -> str:
        return f"{self.daemon_name} daemon is already running (status file: {self.status_file})"


class CallbackError(RiserError):
    """A callback failed in another process; `reason` is what its exception said there (`callback.raise`)."""

    def __init__(self, callback: str, reason: str) -> None:
        super().__init__(callback, reason)
        self.callback = callback
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.callback} failed: {self.reason}"


class ChildDiedError(RiserError):
    """A child process ended before it was ready to serve, so the server cannot start."""

    def __init__(self, child: str, ending: str) -> None:
        super().__init__(child, ending)
        self.child = child
        self.ending = ending

    def __str__(self) -> str:
        return f"{self.child} ended before it was ready: {self.ending}"


class QueueClosedError(RiserError):
    """A push reached a queue that is closed (`queue.close`)."""

    def __init__(self, queue: str) -> None:
        super().__init__(queue)
        self.queue = queue

    def __str__(self) -> str:
        return f"{self.queue} is closed"
