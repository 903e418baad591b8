"""Does not leave what a dead client has entered. Breaks service.with."""

import sys

from riser.services.session import Session
from riser.testee.__main__ import main

end = Session.end
entered = []


def end_without_leaving(session, reason):
    """Keep it as it is."""
    entered.extend(session._entered)
    session._entered.clear()
    end(session, reason)


Session.end = end_without_leaving

sys.exit(main(sys.argv[1:]))
