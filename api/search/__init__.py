"""Search in Swedish over the indicators of one release."""
