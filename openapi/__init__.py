"""The public contract: builds, validates and keeps openapi.json."""
