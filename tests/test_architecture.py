"""Who may import whom: the module map of the design, as a table.

The longest name in `MAY_IMPORT` that a module's name begins with is its rule. A rule names the parts of this project
and the third-party packages that the module may import. The standard library is open to all but `PURE`, whose modules
decide and do not act.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT: dict[str, set[str]] = {
    "riser": {"riser"},
    "riser.core": {"riser.core", "riser.errors"},
    "riser.errors": set(),
    # An engine is an extra. What needs it imports it in functions, in the one process that has it.
    "riser.services.engines.dask": {"riser", "distributed"},
    "riser.services.engines.identity": {"riser", "cryptography"},
    "riser.services.engines.order": {"riser", "cloudpickle"},
    "riser.services.engines.ray": {"riser", "ray"},
    "harness": set(),
    "harness.model": {"harness.model"},
    "harness.load": {"harness.model", "harness.load"},
    "harness.load.yaml": {"harness.model", "harness.load", "ruamel"},
    "harness.load.format": {"harness.model", "harness.load", "ruamel"},
    "harness.namespaces": set(),
    "harness.machine": {"harness.namespaces"},
    "harness.plan": {"harness.model", "harness.machine"},
    "harness.engine": {"harness.model", "harness.engine", "harness.namespaces"},
    "harness.engine.actors.screen": {"harness.engine", "pexpect"},
    "harness.engine.actors.certificate": {"harness.model", "harness.engine", "trustme"},
    "harness.report": {"harness", "harness.model", "harness.report"},
    "harness.implementations": {"harness.model"},
    "harness.adapter": {"harness.model", "harness.load"},
    "harness.mutants": {"harness.model"},
    "harness.selection": {"harness.model"},
    "harness.judging": {"harness.model", "harness.load", "harness.machine", "harness.plan", "harness.report"},
    "harness.cli": {"harness"},
    "harness.plugin": {"harness", "pytest", "xdist", "_typeshed"},
    "harness.__main__": {"harness.cli"},
}

PURE = ("riser.core", "harness.model", "harness.plan")
"""No I/O, no clock, no processes: tested with values in and values out."""

IMPURE_MODULES = {
    "asyncio", "fcntl", "logging", "multiprocessing", "os", "pathlib", "select", "selectors", "signal", "socket",
    "subprocess", "syslog", "threading", "time",
}  # fmt: skip


def modules() -> list[str]:
    paths = [path for part in ("riser", "harness") for path in sorted((ROOT / part).rglob("*.py"))]
    return [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths]


def imports_of(module: str) -> set[str]:
    """Every module that it imports, at its top or in a function, for types only or not."""
    path = ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                found.update(alias.name for alias in names)
            case ast.ImportFrom(level=0, module=str(source), names=names):
                found.update(
                    f"{source}.{alias.name}" if is_module(f"{source}.{alias.name}") else source for alias in names
                )
            case ast.ImportFrom():
                pytest.fail(f"{module} has a relative import in line {node.lineno}")
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").exists()


def rule_for(module: str) -> set[str]:
    best = max((name for name in MAY_IMPORT if is_within(module, name)), key=len)
    return MAY_IMPORT[best]


def is_within(module: str, part: str) -> bool:
    return module == part or module.startswith(part + ".")


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_only_what_its_place_allows(module: str) -> None:
    strangers = {
        name
        for name in imports_of(module)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(is_within(name, part) for part in rule_for(module))
        and not is_within(name, module)
    }
    assert not strangers


@pytest.mark.parametrize("module", [name for name in modules() if any(is_within(name, part) for part in PURE)])
def test_a_pure_module_imports_nothing_that_acts(module: str) -> None:
    assert not {name.split(".")[0] for name in imports_of(module)} & IMPURE_MODULES


def test_riser_needs_nothing_but_the_standard_library() -> None:
    names = [name for name in modules() if is_within(name, "riser")]
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); " + "; ".join(f"import {name}" for name in names)
    subprocess.run([sys.executable, "-I", "-S", "-W", "error", "-c", program], check=True, timeout=60)
