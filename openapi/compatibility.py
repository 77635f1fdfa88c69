"""What of a new contract would break callers of the one before: within a major, only additions pass."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
_NARROWED: Mapping[str, Callable[[Any, Any], bool]] = {
    # of what a caller sends: whether what was well before may be refused after
    "minimum": lambda old, new: new is not None and (old is None or new > old),
    "maximum": lambda old, new: new is not None and (old is None or new < old),
    "minLength": lambda old, new: new is not None and (old is None or new > old),
    "maxLength": lambda old, new: new is not None and (old is None or new < old),
    "minItems": lambda old, new: new is not None and (old is None or new > old),
    "maxItems": lambda old, new: new is not None and (old is None or new < old),
    "pattern": lambda old, new: new is not None and new != old,
    "format": lambda old, new: new is not None and new != old,
    "enum": lambda old, new: new is not None and (old is None or not {*old} <= {*new}),
    # and whether leaving it out means something else after
    "default": lambda old, new: old != new,
}
_READ_ALIKE = ("format", "const", "pattern")
"""What a caller may rely on in an answer; an enumeration may grow, which a tolerant reader bears."""


def breaks(old: Document, new: Document) -> list[str]:
    """Return what in *new* would break a caller of *old*, as sentences; none where a new major parts them."""
    if _major(old) != _major(new):
        return []
    return list(_Comparison(old, new).all())


def _major(document: Document) -> str:
    return str(document["info"]["version"]).partition(".")[0]


class _Comparison:
    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[str, str]] = set()

    def all(self) -> Iterator[str]:
        servers = {server["url"] for server in self._new.get("servers", ())}
        for server in self._old.get("servers", ()):
            if server["url"] not in servers:
                yield f"the server {server['url']} is gone"
        if {} in self._old.get("security", [{}]) and {} not in self._new.get("security", [{}]):
            yield "callers must now say who they are"
        for path, methods in self._old["paths"].items():
            for method, operation in methods.items():
                there = self._new["paths"].get(path, {}).get(method)
                place = f"{method.upper()} {path}"
                if there is None:
                    yield f"{place} is gone"
                else:
                    yield from self._parameters(place, operation, there)
                    yield from self._answers(place, operation, there)

    def _parameters(self, place: str, old: Document, new: Document) -> Iterator[str]:
        before, after = _named(old), _named(new)
        for key, parameter in before.items():
            name = f"{place}: the parameter {key[1]}"
            if key not in after:
                yield f"{name} is gone"
                continue
            there = after[key]
            if there.get("required") and not parameter.get("required"):
                yield f"{name} is now required"
            for form in ("style", "explode"):
                if parameter.get(form) != there.get(form):
                    yield f"{name} is now written otherwise ({form})"
            yield from self._sent(name, parameter["schema"], there["schema"])
        for key in after.keys() - before.keys():
            if after[key].get("required"):
                yield f"{place}: the new parameter {key[1]} is required"

    def _sent(self, name: str, old: Document, new: Document) -> Iterator[str]:
        """Hold a schema of what callers send: it may take more than before, not less."""
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        if not _types(old) <= _types(new):
            yield f"{name} no longer takes {', '.join(sorted(_types(old) - _types(new)))}"
        for word, is_narrower in _NARROWED.items():
            if is_narrower(old.get(word), new.get(word)):
                yield f"{name} has another {word}: {old.get(word)!r} became {new.get(word)!r}"
        if "items" in old and "items" in new:
            yield from self._sent(f"{name}, each of it,", old["items"], new["items"])

    def _answers(self, place: str, old: Document, new: Document) -> Iterator[str]:
        for status, said in old["responses"].items():
            if status not in new["responses"]:
                yield f"{place}: the answer {status} is gone"
                continue
            answer = _resolved(self._old, said)
            there = _resolved(self._new, new["responses"][status])
            for header in answer.get("headers", {}):
                if header not in there.get("headers", {}):
                    yield f"{place}: the header {header} of {status} is gone"
            for media, content in answer.get("content", {}).items():
                if media not in there.get("content", {}):
                    yield f"{place}: {media} of {status} is gone"
                else:
                    name = f"{place}: {status}"
                    yield from self._read(name, content["schema"], there["content"][media]["schema"])

    def _read(self, name: str, old: Document, new: Document) -> Iterator[str]:
        """Hold a schema of what callers read: it may say more than before, never less and nothing else."""
        pair = (old.get("$ref", ""), new.get("$ref", ""))
        if pair != ("", ""):
            if pair in self._seen:
                return
            self._seen.add(pair)
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        before, after = _types(old), _types(new)
        if not after <= before:
            yield f"{name} may now be {', '.join(sorted(after - before))}"
        for word in _READ_ALIKE:
            if word in old and old[word] != new.get(word):
                yield f"{name} has another {word}: {old[word]!r} became {new.get(word)!r}"
        yield from self._fields(name, old, new)
        yield from self._choices(name, old, new)
        for inner in ("items", "additionalProperties"):
            if isinstance(old.get(inner), Mapping):
                if not isinstance(new.get(inner), Mapping):
                    yield f"{name} no longer says what its {inner} are"
                else:
                    yield from self._read(f"{name}[]", old[inner], new[inner])

    def _choices(self, name: str, old: Document, new: Document) -> Iterator[str]:
        there = {one["$ref"]: one for one in new.get("anyOf", ()) if "$ref" in one}
        for one in old.get("anyOf", ()):
            if one.get("$ref") in there:
                yield from self._read(name, one, there[one["$ref"]])

    def _fields(self, name: str, old: Document, new: Document) -> Iterator[str]:
        there = new.get("properties", {})
        for field, schema in old.get("properties", {}).items():
            if field not in there:
                yield f"{name}.{field} is gone"
                continue
            if field in old.get("required", ()) and field not in new.get("required", ()):
                yield f"{name}.{field} may now be left out"
            yield from self._read(f"{name}.{field}", schema, there[field])


def _named(operation: Document) -> dict[tuple[str, str], Document]:
    return {(one["in"], one["name"]): one for one in operation.get("parameters", ())}


def _resolved(document: Document, node: Document) -> Document:
    """Return what *node* points at; a choice of which one is null is told by its types, see `_types`."""
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    choices = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
    if len(choices) == 1:
        return {**_resolved(document, choices[0]), "nullable": len(node["anyOf"]) > 1}
    return node


def _types(schema: Document) -> set[str]:
    """Return the JSON types that *schema* lets through; a choice of several is named by its parts."""
    if "anyOf" in schema:
        return {str(one.get("$ref", one.get("type", "any"))) for one in schema["anyOf"]}
    said = schema.get("type", "any")
    types = {said} if isinstance(said, str) else {*said}
    return types | ({"null"} if schema.get("nullable") else set())
