"""Sends each call of a single service to whichever process. Breaks service.single."""

import sys

from riser.services.registry import AnyProcess, Registry
from riser.testee.__main__ import main

Registry._route = lambda _registry, _pattern, _name: AnyProcess()  # type: ignore[method-assign]  # a mutant patches

sys.exit(main(sys.argv[1:]))
