"""A declarative test harness for daemons: behaviour written in YAML, judged against any implementation."""
