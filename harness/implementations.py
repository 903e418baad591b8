"""Where manifests are found, and what an implementation's version is.

A name is looked for in the directories `implementations` here and beside the suite, then among those that the harness
brings along; a path is taken as it is. A name may lead deeper: `mutants/forgets-winch`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.model.manifest import Manifest

DEFAULT = "riser"
FOLDER = "implementations"


def _shipped(package: Path) -> Path:
    """In the wheel the suite stands in the package, in a clone (an editable installation) beside it."""
    inside = package / "suite"
    return package.parent if not inside.is_dir() and (package.parent / FOLDER).is_dir() else inside


SHIPPED = _shipped(Path(__file__).parent)
"""The suite that travels with an installed harness: `scenarios` and `implementations`."""
_VERSION_SECONDS = 60.0


class UnknownImplementationError(Exception):
    """There is no manifest of that name; `known` are the names there are, `looked_in` where it was looked for."""

    def __init__(self, name: str, known: Sequence[str], looked_in: Sequence[Path]) -> None:
        super().__init__(name, known, looked_in)
        self.name = name
        self.known = known
        self.looked_in = looked_in

    def __str__(self) -> str:
        if self.known:
            return f"there is no implementation {self.name!r}; there are: {', '.join(self.known)}"
        places = ", ".join(map(str, self.looked_in))
        return f"there is no implementation {self.name!r}; no manifest was found in {places}"


class VersionError(Exception):
    """The command that a manifest gives for the version did not work: most likely nothing is installed."""

    def __init__(self, manifest: Manifest, reason: str) -> None:
        super().__init__(manifest, reason)
        self.manifest = manifest
        self.reason = reason

    def __str__(self) -> str:
        setup = f"; to install it: {self.manifest.setup}" if self.manifest.setup else ""
        return f"the version of {self.manifest.name} cannot be told: {self.reason}{setup}"


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest's path; `argument` is what names it for `--implementation`, None for the default."""

    path: Path
    argument: str | None


def folders(suites: Iterable[Path]) -> tuple[Path, ...]:
    """Where names are looked for, in this order; `suites` are the scenario paths in use."""
    return tuple(dict.fromkeys(folder for folder in _candidates(suites) if folder.is_dir()))


def _candidates(suites: Iterable[Path]) -> Iterator[Path]:
    yield Path(FOLDER)
    for suite in suites:
        for directory in (suite, *suite.absolute().parents):
            if (directory / FOLDER).is_dir():
                yield directory / FOLDER
                break
    yield SHIPPED / FOLDER


def available(where: Iterable[Path]) -> dict[str, Path]:
    """The names that can be given, and the manifests they stand for; the first of a name counts."""
    found: dict[str, Path] = {}
    for folder in where:
        for path in sorted(folder.rglob("*.yaml")):
            found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
    return found


def find(argument: str | None, where: Sequence[Path]) -> Found:
    """The manifest that a name or path stands for, None for the default. Raises UnknownImplementationError."""
    name = DEFAULT if argument is None else argument
    for folder in where:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return Found(path, None if name == DEFAULT else argument)
    if argument is not None and (argument.endswith((".yaml", ".yml")) or Path(argument).is_file()):
        return Found(Path(argument), argument)
    raise UnknownImplementationError(name, sorted(available(where)), where)


def version_of(manifest: Manifest) -> str:
    """The version, which may take a command to find out. Raises VersionError."""
    if isinstance(manifest.version, str):
        return manifest.version
    import subprocess  # what only looks for manifests does not pay for it

    try:
        done = subprocess.run(
            manifest.version,
            cwd=manifest.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_VERSION_SECONDS,
            check=False,
        )
    except OSError as error:
        raise VersionError(manifest, f"{manifest.version[0]}: {(error.strerror or str(error)).lower()}") from error
    except subprocess.TimeoutExpired as error:
        raise VersionError(manifest, f"{manifest.version[0]} did not end within {_VERSION_SECONDS:g} s") from error
    lines = done.stdout.decode(errors="replace").split("\n")
    if done.returncode != 0:
        complaint = done.stderr.decode(errors="replace").strip().splitlines()
        said = f": {complaint[-1]}" if complaint else ""
        raise VersionError(manifest, f"{manifest.version[0]} ended with status {done.returncode}{said}")
    if not lines[0].strip():
        raise VersionError(manifest, f"{manifest.version[0]} printed nothing on its first line")
    return lines[0].strip()
