"""Facts about the API that several places tell."""

NAME = "Länsdata"
VERSION = "1.0.0"
RELEASED = "2026-11-22"
STATUS = "active"
LONGEST_ADDRESS = 2048
WINDOW_SECONDS = 60
CONTACT_NAME = "Region Kalmar län, Länsdata"
CONTACT_ADDRESS = "https://regionkalmar.se/"
CONTACT_MAIL = "lansdata@regionkalmar.se"
