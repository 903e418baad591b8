"""Takes any value for an attribute. Breaks server.attributes.bad."""

import sys

from riser.core.config import ServerConfig
from riser.testee.__main__ import main

ServerConfig.__post_init__ = lambda _config: None

sys.exit(main(sys.argv[1:]))
