"""Defaults are the original's; a value that cannot be used is refused by name."""

import math
import signal
from typing import Any

import pytest

from riser.core.config import DaemonConfig, DispatchPolicy, ServerConfig
from riser.core.operation import Operation
from riser.errors import ConfigError


def test_server_attributes_have_the_defaults_of_riser() -> None:
    config = ServerConfig()
    assert config.accept_polling_timeout_seconds == 0.1
    assert config.process_num == 0
    assert config.process_queue_size == 20
    assert config.process_queue_polling_timeout_seconds == 0.1
    assert config.process_send_io_polling_timeout_seconds == 0.1
    assert config.thread_num == 4
    assert config.thread_queue_size == 20
    assert config.thread_queue_polling_timeout_seconds == 0.1
    assert config.dispatch_error is DispatchPolicy.STOP
    assert config.stop_timeout_seconds is None


@pytest.mark.parametrize("name", ["process_num", "process_queue_size", "thread_num", "thread_queue_size"])
@pytest.mark.parametrize("value", [-1, 1.5, "4", None, True, math.nan])
def test_a_count_that_is_no_count_is_refused_by_name(name: str, value: object) -> None:
    values: dict[str, Any] = {name: value}
    with pytest.raises(ConfigError, match=f"^{name}: expected a whole number of at least"):
        ServerConfig(**values)


@pytest.mark.parametrize("name", ["process_queue_size", "thread_num", "thread_queue_size"])
def test_zero_is_refused_where_nothing_could_be_served(name: str) -> None:
    values: dict[str, Any] = {name: 0}
    with pytest.raises(ConfigError, match=f"^{name}: expected a whole number of at least 1, got 0$"):
        ServerConfig(**values)


@pytest.mark.parametrize(
    "name",
    [
        "accept_polling_timeout_seconds",
        "process_queue_polling_timeout_seconds",
        "process_send_io_polling_timeout_seconds",
        "thread_queue_polling_timeout_seconds",
        "stop_timeout_seconds",
    ],
)
@pytest.mark.parametrize("value", [-0.1, 0, "1", True, math.nan, math.inf])
def test_seconds_that_are_no_duration_are_refused_by_name(name: str, value: object) -> None:
    values: dict[str, Any] = {name: value}
    with pytest.raises(ConfigError, match=f"^{name}: expected a positive number of seconds"):
        ServerConfig(**values)


def test_an_unknown_policy_is_refused_by_name() -> None:
    values: dict[str, Any] = {"dispatch_error": "ignore"}
    with pytest.raises(ConfigError, match=r"^dispatch_error: expected 'stop' or 'log', got 'ignore'$"):
        ServerConfig(**values)


def test_daemon_parameters_have_the_defaults_of_riser() -> None:
    config = DaemonConfig(listen_address="localhost:0")
    assert config.daemonize
    assert config.daemon_nochdir
    assert not config.daemon_debug
    assert config.daemon_umask == 0o037
    assert config.server_polling_interval_seconds == 3
    assert config.server_restart_overlap_seconds == 0
    assert config.server_privileged_user is None
    assert config.server_privileged_group is None
    assert config.signals() == {
        Operation.STOP_GRACEFUL: "TERM",
        Operation.STOP_FORCED: "INT",
        Operation.RESTART_GRACEFUL: "HUP",
        Operation.RESTART_FORCED: "QUIT",
        Operation.STAT_GET_AND_RESET: "USR1",
        Operation.STAT_GET_NO_RESET: "USR2",
        Operation.STAT_STOP: "WINCH",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("daemonize", 1),
        ("daemon_name", ""),
        ("daemon_umask", 0o1000),
        ("daemon_umask", -1),
        ("status_file", ""),
        ("status_file", "\ud800"),
        ("daemon_name", "a\0b"),
        ("server_privileged_user", 2**32 - 1),
        ("server_privileged_user", str(2**32 - 1)),
        ("server_privileged_group", "\ud800"),
        ("listen_address", None),
        ("server_polling_interval_seconds", 0),
        ("server_restart_overlap_seconds", -1),
        ("server_start_timeout_seconds", None),
        ("server_privileged_user", -1),
        ("server_privileged_group", ""),
        ("signal_stop_graceful", "KILL"),
        ("signal_stat_stop", 28),
        ("signal_restart_graceful", "TERM"),
    ],
)
def test_a_bad_daemon_parameter_is_refused_by_name(name: str, value: object) -> None:
    values: dict[str, Any] = {"listen_address": "localhost:0", name: value}
    with pytest.raises(ConfigError, match=f"^{name}: "):
        DaemonConfig(**values)


def test_signals_can_be_moved_and_disabled_in_any_spelling() -> None:
    config = DaemonConfig(
        listen_address="localhost:0",
        signal_stop_graceful="SIGUSR1",
        signal_stat_get_and_reset=None,
        signal_restart_graceful=signal.SIGALRM,  # type: ignore[arg-type]  # callers without types pass the enum itself
    )
    chosen = config.signals()
    assert chosen[Operation.STOP_GRACEFUL] == "USR1"
    assert chosen[Operation.RESTART_GRACEFUL] == "ALRM"
    assert Operation.STAT_GET_AND_RESET not in chosen
