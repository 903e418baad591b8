"""Decisions and data without I/O: nothing below this package imports os, socket, signal, time or threading."""
