"""The settings, read once from the environment; a wrong one is refused with its name."""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from datasets.closest import closest
from datasets.errors import SettingError

_PREFIX = "LANSDATA_"


class Settings(Struct, frozen=True, kw_only=True):
    """What can be set from outside, as `LANSDATA_` and the name in capitals."""

    home: str = ".lansdata"
    database_url: str = ""
    files_url: str = ""
    """Where baked files lie, such as `s3://bucket/folder`; unset means below the home."""
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    public_url: str = ""
    kolada_url: str = "https://api.kolada.se/v3"
    scb_url: str = "https://statistikdatabasen.scb.se/api/v2"
    socialstyrelsen_url: str = "https://sdb.socialstyrelsen.se/api/v1/sv"
    fohm_url: str = "https://fohm-app.folkhalsomyndigheten.se/Folkhalsodata/api/v1/sv"
    cache_mb: Annotated[int, Meta(ge=1, le=65536)] = 256
    keep_days: Annotated[int, Meta(ge=1)] = 400
    """How many days the raw answers of sources are kept; a dataset's newest always is."""
    rate: Annotated[int, Meta(ge=0)] = 0
    """How many calls a caller may make in a minute; 0 counts none."""
    proxies: str = ""
    """Addresses and networks of the proxies whose `X-Forwarded-For` is believed, with commas between."""

    def __post_init__(self) -> None:
        """Refuse addresses that no client could use, and proxies that are none."""
        for name in ("public_url", "kolada_url", "scb_url", "socialstyrelsen_url", "fohm_url"):
            _check_address(name, getattr(self, name))
        if self.database_url and not self.database_url.startswith(("postgresql://", "postgres://")):
            raise ValueError("`$.database_url`: must begin with postgresql://")
        if self.files_url and not self.files_url.startswith("s3://"):
            raise ValueError("`$.files_url`: must begin with s3://")

        for proxy in self.trusted_proxies:
            _check_network(proxy)

    @property
    def trusted_proxies(self) -> tuple[str, ...]:
        """Return the proxies that are believed, each an address or a network."""
        return tuple(part.strip() for part in self.proxies.split(",") if part.strip())

    @property
    def home_path(self) -> Path:
        """Return the folder for the embedded database, snapshots and files, as an absolute path."""
        return Path(self.home).expanduser().resolve()


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings that *environment* holds.

    Raises SettingError that names the setting; an unknown LANSDATA_ name is refused too, with the closest.
    """
    names = {_PREFIX + name.upper(): name for name in Settings.__struct_fields__}
    given = {name: text for name, text in environment.items() if name.startswith(_PREFIX) and text}
    for name in given.keys() - names.keys():
        hint = ", ".join(closest(name, names))
        message = f"{name} is not a setting" + (f"; closest: {hint}" if hint else "")
        raise SettingError(message)
    try:
        return msgspec.convert({names[name]: text for name, text in given.items()}, Settings, strict=False)
    except (msgspec.ValidationError, ValueError) as error:
        field = next((name for name, own in names.items() if f"`$.{own}`" in str(error)), "a setting")
        reason = str(error).split(" - at ")[0].removeprefix(f"`$.{names.get(field)}`: ")
        message = f"{field}: {reason}"
        raise SettingError(message) from None


def _check_address(name: str, address: str) -> None:
    if address and not _is_base(address):
        message = f"`$.{name}`: {address!r} is not an http address without query"
        raise ValueError(message)


def _check_network(text: str) -> None:
    try:
        ip_network(text, strict=False)
    except ValueError:
        message = f"`$.proxies`: {text!r} is no address or network"
        raise ValueError(message) from None


def _is_base(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and not {"?", "#"} & {*address}
