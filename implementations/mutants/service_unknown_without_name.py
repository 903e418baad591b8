"""Does not say which service it is that nobody knows. Breaks service.unknown."""

import sys

from riser.services.errors import UnknownServiceError
from riser.testee.__main__ import main

UnknownServiceError.__str__ = lambda _error: "no such service"  # type: ignore[method-assign]  # a mutant patches

sys.exit(main(sys.argv[1:]))
