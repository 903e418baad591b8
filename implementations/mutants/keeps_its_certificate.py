"""Reads its certificate once, at the launch, whatever is there when it restarts. Breaks tls.reload."""

import sys

from riser import tls
from riser.testee.__main__ import main
from riser.testee.config import read_config

config = read_config(sys.argv[1])
if config.tls is not None:
    first = tls.Tls(**config.tls)  # type: ignore[arg-type]  # it checks what it is given
    tls.Tls = lambda **_settings: first  # type: ignore[assignment,misc]  # a mutant patches
sys.exit(main(sys.argv[1:]))
