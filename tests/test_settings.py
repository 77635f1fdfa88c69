from pathlib import Path

import pytest

from datasets.errors import SettingError
from datasets.settings import Settings, read_settings


def test_without_settings_everything_is_as_documented() -> None:
    own = read_settings({"PATH": "/bin", "LANSDATA": "x"})

    assert (own.home, own.database_url, own.host, own.port, own.workers) == (
        ".lansdata",
        "",
        "127.0.0.1",
        8000,
        1,
    )
    assert (own.kolada_url, own.scb_url, own.socialstyrelsen_url) == (
        "https://api.kolada.se/v3",
        "https://statistikdatabasen.scb.se/api/v2",
        "https://sdb.socialstyrelsen.se/api/v1/sv",
    )


def test_settings_are_read_from_their_names() -> None:
    own = read_settings(
        {
            "LANSDATA_PORT": "9000",
            "LANSDATA_CACHE_MB": "1",
            "LANSDATA_DATABASE_URL": "postgresql://a,b/db?target_session_attrs=prefer-standby",
            "LANSDATA_PUBLIC_URL": "https://data.example.se/statistik",
        }
    )

    assert (own.port, own.cache_mb) == (9000, 1)
    assert own.database_url == "postgresql://a,b/db?target_session_attrs=prefer-standby"
    assert own.public_url == "https://data.example.se/statistik"


def test_an_empty_setting_is_no_setting() -> None:
    assert read_settings({"LANSDATA_PORT": "", "LANSDATA_HOME": ""}) == Settings()


def test_the_home_is_one_folder_wherever_one_stands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "anna"))

    assert read_settings({}).home_path == (tmp_path / ".lansdata").resolve()
    assert read_settings({"LANSDATA_HOME": "~/data"}).home_path == (tmp_path / "anna/data").resolve()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LANSDATA_PORT", "x"),
        ("LANSDATA_PORT", "0"),
        ("LANSDATA_PORT", "65536"),
        ("LANSDATA_WORKERS", "0"),
        ("LANSDATA_WORKERS", "1.5"),
        ("LANSDATA_CACHE_MB", "-1"),
        ("LANSDATA_RATE", "many"),
        ("LANSDATA_RATE", "-1"),
        ("LANSDATA_PROXIES", "10.0.0.1, proxy.example"),
        ("LANSDATA_PUBLIC_URL", "data.example.se"),
        ("LANSDATA_PUBLIC_URL", "ftp://data.example.se"),
        ("LANSDATA_PUBLIC_URL", "https://data.example.se/?a=b"),
        ("LANSDATA_KOLADA_URL", "http://[bad"),
        ("LANSDATA_SCB_URL", "https://"),
        ("LANSDATA_SOCIALSTYRELSEN_URL", "https://x#y"),
        ("LANSDATA_FOHM_URL", "fohm-app.folkhalsomyndigheten.se"),
        ("LANSDATA_DATABASE_URL", "sqlite:///lansdata.db"),
        ("LANSDATA_DATABASE_URL", "host=localhost"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(SettingError) as refusal:
        read_settings({name: text, "LANSDATA_HOST": "0.0.0.0"})

    assert str(refusal.value).startswith(f"{name}: ")
    assert "$." not in str(refusal.value)


def test_a_misspelt_setting_is_refused_with_the_closest() -> None:
    with pytest.raises(SettingError, match=r"LANSDATA_PROT is not a setting; closest: LANSDATA_PORT"):
        read_settings({"LANSDATA_PROT": "8000"})


def test_a_refused_address_of_the_database_does_not_show_its_password() -> None:
    with pytest.raises(SettingError) as refusal:
        read_settings({"LANSDATA_DATABASE_URL": "mysql://anna:hemligt@db/x"})

    assert "hemligt" not in str(refusal.value)
