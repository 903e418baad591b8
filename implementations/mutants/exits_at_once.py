"""Dies before it has done anything. Breaks server.echo."""

import sys

sys.exit("cannot find the library that I was built for")
