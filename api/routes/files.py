"""The baked files: `/datasets/{datasetId}/versions/{version}/files/{fileName}`."""

import re
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath
from litestar.response import Stream
from litestar.status_codes import HTTP_200_OK, HTTP_206_PARTIAL_CONTENT, HTTP_304_NOT_MODIFIED

from api.files import MANIFEST_TYPE, Download, Files
from api.links import address
from api.problems import RefusalError, not_found
from api.ready import tag_matches
from api.replies import FRESH, PINNED
from api.routes.datasets import to_version, version_in
from api.service import service_in
from api.texts import LATEST
from api.versions import path_of
from datasets.compositions import CUBE_TYPE, MEDIA_TYPES
from datasets.errors import UnknownCodeError
from datasets.ledger import Release

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@get(
    "/datasets/{datasetId:str}/versions/{version:str}/files/{fileName:str}",
    operation_id="getFile",
    summary="En bakad fil / A baked file",
    tags=["datasets"],
    opt={"files": (*MEDIA_TYPES.values(), CUBE_TYPE, MANIFEST_TYPE), "any_media": True},
)
async def file(
    request: Request[Any, Any, Any],
    datasetId: FromPath[str],  # noqa: N803
    version: FromPath[str],
    fileName: FromPath[str],  # noqa: N803
) -> Response[Any]:
    """Filen, hel eller från en byte till en annan (`Range`). / The file, whole or from one byte to another.

    Namnen, storlekarna och sha256 står under `files` i versionen; `ETag` är filens sha256.
    Names, sizes and sha256 stand under `files` of the version; `ETag` is the sha256 of the file.
    """
    service = service_in(request)
    release = version_in(service.live.newest(), datasetId, version)
    if version == LATEST:
        base = request.scope["state"]["base"]
        return to_version(address(base, f"{path_of(release)}/files/{fileName}"))
    try:
        found = await service.files.download(release, fileName)
    except UnknownCodeError as error:
        raise not_found("fileName", error) from None
    tag = f'"{found.sha256.hex()}"'
    headers = {
        "ETag": tag,
        # a version that is withdrawn is looked at again
        "Cache-Control": FRESH if release.number in service.live.now.withdrawn else PINNED,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{datasetId}-{version}-{fileName}"',
    }
    held = request.headers.get("if-none-match")
    if held is not None and tag_matches(held.encode(), tag.encode()):
        return Response(b"", status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return await _sent(request, service.files, release, found, headers)


async def _sent(
    request: Request[Any, Any, Any], files: Files, release: Release, found: Download, headers: dict[str, str]
) -> Response[Any]:
    """Return the file, or the part of it that is asked for."""
    start, end = _span(request, found, headers["ETag"])
    whole = (start, end) == (0, found.byte_size)
    if not whole:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{found.byte_size}"
    headers["Content-Length"] = str(end - start)
    status = HTTP_200_OK if whole else HTTP_206_PARTIAL_CONTENT
    chunks = files.bytes_of(release, found.name, start, end)
    # HEAD: the headers say it all. Else the first bytes are read before anything is promised
    first = b"" if request.scope["state"]["is_head"] else await anext(chunks, b"")
    rest = None if request.scope["state"]["is_head"] else chunks
    return Stream(_chained(first, rest), status_code=status, media_type=found.media_type, headers=headers)


def _span(request: Request[Any, Any, Any], found: Download, tag: str) -> tuple[int, int]:
    """Return which bytes are asked for; all of them where the range is none that we serve.

    Raises RefusalError for a range that begins behind the end.
    """
    size, whole = found.byte_size, (0, found.byte_size)
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or request.headers.get("if-range", tag).strip() != tag:
        return whole
    first, last = asked.groups()
    if not first and not last:
        return whole
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if first and last and int(last) < start:
        return whole
    if start >= size:
        detail = f"{found.name} has {size} bytes"
        raise RefusalError("range-not-satisfiable", detail, limit=size)
    return start, end


async def _chained(first: bytes, rest: AsyncIterator[bytes] | None) -> AsyncIterator[bytes]:
    yield first
    if rest is not None:
        async for chunk in rest:
            yield chunk
