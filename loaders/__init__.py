"""From a source's answer to cubes: one module a source."""
