"""The pytest plugin: scenarios as test items."""
