"""Knows RISER's own signals only. Breaks daemon.signals.custom."""

import sys

from riser.core.config import DaemonConfig
from riser.core.operation import DEFAULT_SIGNALS
from riser.testee.__main__ import main

DaemonConfig.signals = lambda _config: DEFAULT_SIGNALS

sys.exit(main(sys.argv[1:]))
