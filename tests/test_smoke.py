import httpx


def test_the_population_is_what_scb_published(client: httpx.Client) -> None:
    answer = client.get(
        "/observations", params={"indicator": "scb-folkmangd", "municipality": "0880", "year": "2001"}
    )

    assert [row["value"] for row in answer.json()["observations"]] == [30615, 29172]
