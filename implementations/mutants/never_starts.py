"""Never gets as far as listening. Breaks server.echo."""

import threading

threading.Event().wait()
