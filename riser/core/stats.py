"""What a queue tells about itself: counters, and the report of 16 fields that `at_stat` is given.

A *push* is one connection offered to the queue, counted when it is offered; it *waits* if there is no place for it, and
a *time-out* is counted for each polling interval that such a wait lasts. A *pop* is one thread or child that asks for a
connection; it waits if there is none. The averages are of the queue's length as each push or pop found it.

No clock is read here: `clock` is monotonic and measures, `wall` is the time of day and is only shown, so that a step of
the wall clock makes no duration negative (`stat.zero`).
"""

Report = dict[str, object]
"""Plain data in the order of `FIELDS`; the two times are seconds since the epoch."""

FIELDS = (
    "queue_name",
    "max_size",
    "closed",
    "start_time",
    "get_time",
    "elapsed_seconds",
    "push_average_queue_size",
    "push_count",
    "push_wait_count",
    "push_wait_ratio",
    "push_timeout_count",
    "push_timeout_ratio",
    "pop_average_queue_size",
    "pop_count",
    "pop_wait_count",
    "pop_wait_ratio",
)
"""The names of a report, in its order (`stat.fields`)."""


class _Counters:
    def __init__(self) -> None:
        self.push_sizes = 0
        self.push_count = 0
        self.push_wait_count = 0
        self.push_timeout_count = 0
        self.pop_sizes = 0
        self.pop_count = 0
        self.pop_wait_count = 0


class QueueStats:
    """The counters of one queue; nothing is counted until `start`.

    `timeout_seconds` is the polling interval in which the wait of a single, patient pusher is measured. Callers with
    several threads hold a lock of their own.
    """

    def __init__(self, queue_name: str, max_size: int, timeout_seconds: float = 0.1) -> None:
        self.queue_name = queue_name
        self.max_size = max_size
        self.timeout_seconds = timeout_seconds
        self.enabled = False
        self._counters = _Counters()
        self._started_clock = 0.0
        self._started_wall = 0.0
        self._waiting_since: float | None = None
        self._counted_already = False

    def start(self, *, clock: float, wall: float) -> None:
        """Begin to count, if counting has not begun."""
        if not self.enabled:
            self._reset(clock=clock, wall=wall)
            self._counted_already = False
            self.enabled = True

    def stop(self) -> None:
        """Count no more."""
        self.enabled = False

    def pushed(self, size: int) -> None:
        """One was offered to a queue of `size` and stored; not counted again if it had to wait."""
        if self._counted_already:
            self._counted_already = False
            return
        self._counters.push_sizes += size
        self._counters.push_count += 1

    def push_waited(self, size: int) -> None:
        """One was offered to a full queue and has to wait."""
        self._counters.push_sizes += size
        self._counters.push_count += 1
        self._counters.push_wait_count += 1

    def push_timed_out(self) -> None:
        """One waited as long as it would, in vain."""
        self._counters.push_timeout_count += 1

    def wait_began(self, size: int, *, clock: float) -> None:
        """The patient pusher holds one for which there is no place."""
        self.push_waited(size)
        self._counted_already = True
        self._waiting_since = clock

    def wait_ended(self, *, clock: float) -> None:
        """There is a place now: count the intervals that it took."""
        self._count_timeouts(clock)
        self._waiting_since = None

    def popped(self, size: int, *, waited: bool) -> None:
        """One was asked of a queue of `size`; `waited` if it had none."""
        self._counters.pop_sizes += size
        self._counters.pop_count += 1
        self._counters.pop_wait_count += waited

    def report(self, *, clock: float, wall: float, closed: bool, reset: bool) -> Report:
        """The 16 fields since the start or the last reset; ratios and averages over nothing are 0.0."""
        self._count_timeouts(clock)
        counted = self._counters
        values = (
            self.queue_name,
            self.max_size,
            closed,
            self._started_wall,
            wall,
            clock - self._started_clock,
            _over(counted.push_sizes, counted.push_count),
            counted.push_count,
            counted.push_wait_count,
            _over(counted.push_wait_count, counted.push_count),
            counted.push_timeout_count,
            _over(counted.push_timeout_count, counted.push_count),
            _over(counted.pop_sizes, counted.pop_count),
            counted.pop_count,
            counted.pop_wait_count,
            _over(counted.pop_wait_count, counted.pop_count),
        )
        if reset:
            self._reset(clock=clock, wall=wall)
        return dict(zip(FIELDS, values, strict=True))

    def _reset(self, *, clock: float, wall: float) -> None:
        self._counters = _Counters()
        self._started_clock = clock
        self._started_wall = wall

    def _count_timeouts(self, clock: float) -> None:
        if self._waiting_since is not None:
            intervals = int((clock - self._waiting_since) / self.timeout_seconds)
            self._counters.push_timeout_count += intervals
            self._waiting_since += intervals * self.timeout_seconds


def as_json(report: Report) -> str:
    """One line of JSON, for an `at_stat` callback to write where it likes."""
    import json  # here, so that a server that writes none starts without it

    return json.dumps(report)


def as_prometheus(*reports: Report, prefix: str = "riser_queue") -> str:
    """The numbers of reports in the text format that Prometheus reads; ends with a line feed.

    All that one page shows belongs into one call: the format wants the samples of a metric together, under one TYPE
    line, so texts of several calls cannot be put one after the other. Of several reports on one queue the last counts.
    """
    latest = {str(report["queue_name"]): report for report in reports}
    lines = []
    for name in FIELDS:
        values = {queue: report[name] for queue, report in latest.items()}
        numbers = {queue: float(value) for queue, value in values.items() if isinstance(value, int | float)}
        if numbers:
            lines.append(f"# TYPE {prefix}_{name} gauge")
            lines += [f'{prefix}_{name}{{queue="{_label(queue)}"}} {number!r}' for queue, number in numbers.items()]
    return "".join(f"{line}\n" for line in lines)


def _label(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _over(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
