"""Certificates for one item: nothing secret lies in a repository, and nothing that expires.

Each has an authority of its own. So whoever trusts `${old.ca}` does not trust `${new.certificate}`, and a client's
certificate can be wrong just by coming from somebody else. They are made in this process, in a few milliseconds, when
the first name that they publish is looked up.

    web.pem      the certificate, and those between it and the authority
    web.key
    web.ca.pem   the authority, whose key is forgotten at once
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.engine.lookup import UnpublishedError
from harness.engine.verdicts import StepErroredError
from harness.model.fields import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from harness.engine.world import World
    from harness.model.actors import Certificate


class CertificateActor:
    """The running half of a `certificate`."""

    kind = Kind.CERTIFICATE

    def __init__(self, model: Certificate, world: World) -> None:
        self.name = model.name
        self._model = model
        self._world = world
        self._is_made = False

    def published(self, name: str) -> object:
        """The paths of its files: `certificate`, `key` and `ca`."""
        suffixes = {"certificate": "pem", "key": "key", "ca": "ca.pem"}
        if name not in suffixes:
            raise UnpublishedError(f"a certificate has no {name}")
        if not self._is_made:
            self._make()
        return str(self._path(suffixes[name]))

    async def release(self) -> None:
        """Nothing is held; the files go with the workspace."""

    def _make(self) -> None:
        try:
            import trustme
        except ImportError as error:
            raise StepErroredError(f"{self.name} cannot be made without trustme: {error}") from error
        names = [self._world.scope.text(name) for name in self._model.names]
        authority = trustme.CA()
        try:
            issued = authority.issue_cert(*names)
        except ValueError as error:
            raise StepErroredError(f"{self.name} cannot be for {', '.join(names)}: {error}") from error
        for part in issued.cert_chain_pems:
            part.write_to_path(self._path("pem"), append=True)
        self._path("key").touch(0o600)
        issued.private_key_pem.write_to_path(self._path("key"))
        authority.cert_pem.write_to_path(self._path("ca.pem"))
        self._is_made = True

    def _path(self, suffix: str) -> Path:
        return self._world.workspace / f"{self.name}.{suffix}"
