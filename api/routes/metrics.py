"""`/metrics`: what this process answers from, and what it takes, as Prometheus text."""

from typing import Any

from litestar import Request, Response, get
from prometheus_client import CollectorRegistry, Gauge, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from api.replies import UNCACHED
from api.service import service_in


@get("/metrics", include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return the measures of the worker that happens to answer; each worker tells its own."""
    live = service_in(request).live
    registry = CollectorRegistry()
    told = {
        "lansdata_release": ("The newest release that is answered from; 0 is none yet.", live.now.number),
        "lansdata_datasets": ("Datasets in that release.", len(live.now.datasets)),
        "lansdata_indicators": ("Indicators in that release.", len(live.now.indicators)),
        "lansdata_database_reachable": ("1 while the database can be reached.", int(live.reachable)),
    }
    for name, (words, number) in told.items():
        Gauge(name, words, registry=registry).set(number)
    ProcessCollector(registry=registry)
    body = generate_latest(registry)
    return Response(body, media_type=CONTENT_TYPE_PLAIN_1_0_0, headers={"Cache-Control": UNCACHED})
