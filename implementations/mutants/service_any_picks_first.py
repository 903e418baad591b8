"""Sends every call of an any service to the first process. Breaks service.any."""

import sys

from riser.services.services import Services
from riser.testee.__main__ import main

slot_to_call = Services._slot_to_call


def slot_to_call_the_first(services: Services, route: object, name: str, arguments: object) -> int:
    """The first process, unless the key decides."""
    return slot_to_call(services, route, name, arguments) if arguments else 0  # type: ignore[arg-type]  # as it came


Services._slot_to_call = slot_to_call_the_first  # type: ignore[method-assign]  # a mutant patches

sys.exit(main(sys.argv[1:]))
