"""Never finds that an address has changed. Breaks address.equality, restart.address.move."""

import sys

from riser.core.address import TcpAddress, UnixAddress
from riser.testee.__main__ import main

for kind in (TcpAddress, UnixAddress):
    kind.same_endpoint = lambda _own, _other: True

sys.exit(main(sys.argv[1:]))
