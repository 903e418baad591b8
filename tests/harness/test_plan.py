"""What is run, what the implementation leaves out, what this machine lacks."""

from __future__ import annotations

import pytest

from harness.load.scenario import read_scenarios
from harness.machine import Machine, this_machine
from harness.model.manifest import Manifest, Profile
from harness.plan import Plan, Ready, Skipped, Unsupported, plan


def manifest(*profiles: Profile) -> Manifest:
    return Manifest(
        name="mine",
        language="any",
        version="1",
        homepage="",
        command=("mine",),
        profiles=frozenset(profiles or Profile),
        directory="/",
    )


def machine(
    *,
    has_ipv6: bool = True,
    is_root: bool = True,
    programs: tuple[str, ...] = (),
    lacking: str | None = None,
    has_trustme: bool = True,
) -> Machine:
    return Machine(
        has_ipv6, is_root, lambda name: f"/bin/{name}" if name in programs else None, lambda: lacking, has_trustme
    )


def planned(actor: str, head: str = "", of: Manifest | None = None, on: Machine | None = None) -> Plan:
    text = f"scenario: x\n{head}actors: {{d: {actor}}}\nsteps: [{{start: d}}]\n"
    (scenario,) = read_scenarios(text, "file.yaml", name="x")
    return plan(scenario, of or manifest(), machine=on or machine())


def test_an_item_whose_needs_are_met_is_ready() -> None:
    assert planned("{daemon: echo}") == Ready()


def test_a_profile_that_the_manifest_leaves_out_makes_it_unsupported() -> None:
    assert planned("{daemon: echo}", "needs: [core, tls]\n", manifest(Profile.CORE)) == Unsupported(
        "the manifest of mine does not offer the profile tls"
    )
    assert planned("{daemon: echo}", "needs: [tls, daemon]\n", manifest(Profile.CORE)) == Unsupported(
        "the manifest of mine does not offer the profiles daemon, tls"
    )


def test_an_actor_in_mode_daemon_needs_the_daemon_profile() -> None:
    core = manifest(Profile.CORE)
    assert isinstance(planned("{daemon: echo, mode: daemon}", "", core), Unsupported)
    assert planned("{daemon: echo, mode: server}", "", core) == Ready()


def test_an_actor_that_speaks_tls_needs_the_tls_profile() -> None:
    core = manifest(Profile.CORE)
    assert planned("{daemon: echo, tls: {certificate: a.pem}}", "", core) == Unsupported(
        "the manifest of mine does not offer the profile tls"
    )


def test_an_item_whose_certificates_cannot_be_made_is_skipped() -> None:
    actor = "{daemon: echo, tls: {certificate: '${web.certificate}'}}, web: {certificate: [a.test]}"
    assert planned(actor, on=machine(has_trustme=False)) == Skipped(
        "the extra tls is not installed, whose trustme makes the certificate web"
    )
    assert planned(actor) == Ready()


@pytest.mark.parametrize(
    "actor",
    [
        "{daemon: echo, listen: tcp6}",
        '{daemon: echo, listen: "[::1]:0"}',
        '{daemon: echo, listen: {type: tcp, host: "::1", port: 0}}',
    ],
)
def test_ipv6_is_asked_for_only_where_it_is_needed(actor: str) -> None:
    assert planned(actor, on=machine(has_ipv6=False)) == Skipped("d needs IPv6, and ::1 cannot be bound here")
    assert planned(actor) == Ready()
    assert planned("{daemon: echo, listen: unix}", on=machine(has_ipv6=False)) == Ready()


def test_a_client_of_an_ipv6_address_needs_ipv6() -> None:
    text = 'scenario: x\nactors: {c: {client: "[::1]:80"}}\nsteps: [{connect: c}]\n'
    (scenario,) = read_scenarios(text, "file.yaml", name="x")
    assert isinstance(plan(scenario, manifest(), machine=machine(has_ipv6=False)), Skipped)


def test_giving_up_privileges_takes_root() -> None:
    head = "needs: [privileges]\n"
    assert isinstance(planned("{daemon: echo}", head, on=machine(is_root=False)), Skipped)
    assert planned("{daemon: echo}", head) == Ready()


def test_a_program_that_is_not_installed_is_told_by_name() -> None:
    assert planned("{process: [nginx, -g, x]}") == Skipped("the program nginx of d is not installed")
    assert planned("{process: [nginx, -g, x]}", on=machine(programs=("nginx",))) == Ready()


def test_a_syslog_takes_a_machine_where_a_program_can_have_its_own() -> None:
    text = "scenario: x\nactors: {d: {daemon: echo}, s: {syslog: d}}\nsteps: [{start: d}, {log: s, line: x}]\n"
    (scenario,) = read_scenarios(text, "file.yaml", name="x")
    assert plan(scenario, manifest(), machine=machine()) == Ready()
    reason = "d cannot have a /dev/log of its own here: unshare: not permitted"
    assert plan(scenario, manifest(), machine=machine(lacking="unshare: not permitted")) == Skipped(reason)


def test_a_program_that_is_known_only_later_counts_as_installed() -> None:
    assert planned('{process: ["${workspace}/program"]}') == Ready()


def test_what_is_unsupported_is_not_asked_of_the_machine() -> None:
    actor, head = "{daemon: echo, listen: tcp6}", "needs: [tls]\n"
    assert isinstance(planned(actor, head, manifest(Profile.CORE), machine(has_ipv6=False)), Unsupported)


def test_this_machine_is_looked_at_once() -> None:
    assert this_machine() is this_machine()
    assert this_machine().find_program("sh") is not None
