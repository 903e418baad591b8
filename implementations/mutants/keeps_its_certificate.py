"""Reads its certificate once, at the launch, whatever is there when it restarts. Breaks tls.reload."""

import sys

from riser import tls
from riser.testee.__main__ import main
from riser.testee.config import read_config

settings = read_config(sys.argv[1]).tls if sys.argv[1:] else None
if settings is not None:
    first = tls.Tls(**settings)  # type: ignore[arg-type]  # it checks what it is given
    tls.Tls = lambda **_settings: first  # type: ignore[assignment,misc]  # a mutant patches
sys.exit(main(sys.argv[1:]))
