"""Who the server process is: a user and a group looked up before anything is opened, and a complete change to them.

Complete means: supplementary groups first, then real, effective and saved ids of the group and of the user, then a
check that all have changed and that root cannot be regained (privilege.complete). RISER itself leaves the supplementary
groups as they are.
"""

import grp
import os
import pwd

from riser.core.config import DaemonConfig
from riser.core.record import Record
from riser.errors import ConfigError, RiserError


class PrivilegeError(RiserError):
    """The process could not become who it should be; it must not go on."""


class Identity(Record):
    """Whom to become: None leaves that id as it is. `groups` are the supplementary groups."""

    user_id: int | None
    group_id: int | None
    groups: tuple[int, ...]


def look_up(config: DaemonConfig) -> Identity | None:
    """The identity that `server_privileged_user` and `server_privileged_group` name; None when neither is set.

    A user without a group gets the primary group of its own. Raises `ConfigError` for one that is unknown
    (privilege.unknown).
    """
    if config.server_privileged_user is None and config.server_privileged_group is None:
        return None
    group_id = _group_id(config.server_privileged_group)
    if config.server_privileged_user is None:
        return Identity(None, group_id, ())
    user_id, entry = _user(config.server_privileged_user)
    if group_id is None:
        if entry is None:
            raise ConfigError(
                "server_privileged_group", None, f"a group, since user {user_id} has no entry that names one"
            )
        group_id = entry.pw_gid
    groups = () if entry is None else tuple(os.getgrouplist(entry.pw_name, group_id))
    return Identity(user_id, group_id, groups)


def become(identity: Identity) -> None:
    """Change this process to the identity, for good.

    Raises `PrivilegeError`; the process is then something in between and must end.
    """
    if _is_already(identity):
        return
    try:
        os.setgroups(identity.groups)
        if identity.group_id is not None:
            os.setresgid(identity.group_id, identity.group_id, identity.group_id)
        if identity.user_id is not None:
            os.setresuid(identity.user_id, identity.user_id, identity.user_id)
    except OSError as error:
        raise PrivilegeError(f"cannot become {describe(identity)}: {error.strerror}") from error
    _check(identity)


def describe(identity: Identity) -> str:
    """The identity in words, by number."""
    user = "unchanged" if identity.user_id is None else str(identity.user_id)
    group = "unchanged" if identity.group_id is None else str(identity.group_id)
    return f"user {user}, group {group}, groups {list(identity.groups)}"


def _is_already(identity: Identity) -> bool:
    """Whether a process without privileges is asked to become what it is, which it may."""
    same_user = identity.user_id is None or set(os.getresuid()) == {identity.user_id}
    same_group = identity.group_id is None or set(os.getresgid()) == {identity.group_id}
    return os.geteuid() != 0 and same_user and same_group


def _check(identity: Identity) -> None:
    user_ok = identity.user_id is None or set(os.getresuid()) == {identity.user_id}
    group_ok = identity.group_id is None or set(os.getresgid()) == {identity.group_id}
    if not (user_ok and group_ok and set(os.getgroups()) == set(identity.groups)):
        raise PrivilegeError(f"the change to {describe(identity)} is not complete")
    if identity.user_id:
        try:
            os.setuid(0)
        except OSError:
            return
        raise PrivilegeError("root can be regained")


def _user(user: str | int) -> tuple[int, pwd.struct_passwd | None]:
    if isinstance(user, int) or user.isdecimal():
        try:
            return int(user), pwd.getpwuid(int(user))
        except KeyError:
            return int(user), None
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise ConfigError("server_privileged_user", user, "a user of this system") from None
    return entry.pw_uid, entry


def _group_id(group: str | int | None) -> int | None:
    if group is None or isinstance(group, int):
        return group
    if group.isdecimal():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise ConfigError("server_privileged_group", group, "a group of this system") from None
