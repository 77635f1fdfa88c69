"""Facts about the API that several places tell."""

NAME = "Länsdata"
PUBLISHER = "Region Kalmar län"
VERSION = "1.0.0"
RELEASED = "2026-11-22"
STATUS = "active"
ADDRESS = "https://lansdata.regionkalmar.se"
"""Where the region means to serve it; an address in an answer is always the one that was called."""
LONGEST_ADDRESS = 2048
CONTACT_NAME = "Region Kalmar län, Länsdata"
CONTACT_ADDRESS = "https://regionkalmar.se/"
CONTACT_MAIL = "lansdata@regionkalmar.se"
