"""Whom the server process becomes, looked up early and changed completely."""

import grp
import os
import pwd
from collections.abc import Callable
from typing import NoReturn

import pytest

from riser.core.config import DaemonConfig
from riser.errors import ConfigError
from riser.privilege import Identity, PrivilegeError, become, look_up

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def config(user: str | int | None = None, group: str | int | None = None) -> DaemonConfig:
    return DaemonConfig(listen_address="127.0.0.1:0", server_privileged_user=user, server_privileged_group=group)


def in_child(body: Callable[[], object]) -> int:
    """The exit status of a forked process that runs the body; 1 for any exception."""
    pid = os.fork()
    if pid == 0:
        _leave(body)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _leave(body: Callable[[], object]) -> NoReturn:
    status = 1
    try:
        body()
        status = 0
    finally:
        os._exit(status)


def test_nobody_is_asked_for() -> None:
    assert look_up(config()) is None


def test_user_by_name_brings_its_primary_group() -> None:
    nobody = pwd.getpwnam("nobody")
    identity = look_up(config(user="nobody"))
    assert identity is not None
    assert (identity.user_id, identity.group_id) == (nobody.pw_uid, nobody.pw_gid)


def test_user_by_number_in_text() -> None:
    nobody = pwd.getpwnam("nobody")
    assert look_up(config(user=str(nobody.pw_uid))) == look_up(config(user="nobody"))


def test_group_by_name_and_by_number() -> None:
    group = grp.getgrall()[0]
    assert look_up(config(group=group.gr_name)) == look_up(config(group=str(group.gr_gid)))
    assert look_up(config(group=group.gr_gid)) == Identity(None, group.gr_gid, ())


def test_number_without_an_entry_is_taken_with_a_group() -> None:
    assert look_up(config(user=3999999, group=3999998)) == Identity(3999999, 3999998, ())


@pytest.mark.parametrize(
    ("user", "group", "named"),
    [
        ("no-such-user", None, "server_privileged_user: .*'no-such-user'"),
        (None, "no-such-group", "server_privileged_group: .*'no-such-group'"),
        (3999999, None, "server_privileged_group: expected a group, since user 3999999"),
    ],
)
def test_unknown_is_refused_by_name(user: str | int | None, group: str | None, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        look_up(config(user, group))


@needs_root
def test_every_id_is_dropped_for_good() -> None:
    identity = look_up(config(user="nobody"))
    assert identity is not None

    def drop() -> None:
        become(identity)
        assert os.getresuid() == (identity.user_id,) * 3
        assert os.getresgid() == (identity.group_id,) * 3
        assert set(os.getgroups()) <= {identity.group_id}
        with pytest.raises(PermissionError):
            os.setuid(0)

    assert in_child(drop) == 0


@needs_root
def test_group_alone_leaves_the_user() -> None:
    def drop() -> None:
        become(Identity(None, 3999998, ()))
        assert os.getresuid() == (0, 0, 0)
        assert os.getresgid() == (3999998,) * 3
        assert os.getgroups() == []

    assert in_child(drop) == 0


@needs_root
def test_without_privileges_nobody_else_can_be_become() -> None:
    def drop() -> None:
        become(Identity(3999999, 3999998, ()))
        become(Identity(3999999, 3999998, ()))  # Whom one is already.
        with pytest.raises(PrivilegeError, match="cannot become user 1, group 1"):
            become(Identity(1, 1, ()))

    assert in_child(drop) == 0
