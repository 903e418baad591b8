"""Who takes part: the running half of each actor of `harness.model.actors`."""
