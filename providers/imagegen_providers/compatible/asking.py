"""A request in a server's words, by its table."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from imagegen import ConfigurationError, ImageInput, UnsupportedError, Wire, masks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen import Task
    from imagegen_providers.compatible.servers import Form, Server

_APART = frozenset({"prompt", "n", "size", "images", "mask", "options"})
_NO_WORDS = frozenset({"extra", "api"})
"""Options that say how it is sent."""


def generation_of(server: Server, task: Task) -> Wire:
    """A call for new pictures."""
    check(task)
    words = _words(server, task)
    return Wire.post(server.path.format(model=task.model), json=_body(server, task, {**server.always, **words}))


def edit_of(server: Server, task: Task) -> Wire:
    """A call for changed pictures: a form with files, or JSON."""
    check(task)
    if server.edit_as == "form" or (task.request.mask is not None and server.masked is not None):
        return _form(server, task)
    body = _body(server, task, {**server.always, **_words(server, task)})
    return Wire.post(server.path.format(model=task.model), json={**body, **_pictures(server, task)})


def check(task: Task) -> None:
    """Find out whether anybody is there to ask.

    Raises:
        ConfigurationError: The server has no usual address, and none was given.
    """
    if task.endpoint is not None and not task.endpoint.base_url:
        raise ConfigurationError(f"{task.endpoint.name} needs an address: Connection(base_url=...)")


def _words(server: Server, task: Task) -> dict[str, Any]:
    """What is said besides the prompt and the pictures, under our names; None left out."""
    options = task.options.model_dump(exclude_none=True) if task.options else {}
    fields = {name: value for name, value in task.request.asked().items() if name not in _APART}
    asked = {**task.defaults, **fields, **options}
    words = {name: value for name, value in asked.items() if name not in _NO_WORDS}
    if task.n is not None:
        words["n"] = task.n
    size = task.request.size or words.pop("size", None)
    if size and server.sides:
        words["width"], words["height"] = map(int, size.split("x"))
    elif size:
        words["size"] = size
    return words


def _body(server: Server, task: Task, words: Mapping[str, Any]) -> dict[str, Any]:
    """The request's JSON, or the text parts of a form."""
    extra: dict[str, Any] = getattr(task.options, "extra", None) or {}
    prompt, plain = _prompt(server, task, words)
    named = {"model": task.model} if server.names_model else {}
    return {**named, "prompt": prompt, **_named(server.names, plain), **extra}


def _named(names: Mapping[str, str], words: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in words.items():
        *outer, last = names.get(name, name).split(".")
        place = found
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return found


def _prompt(server: Server, task: Task, words: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The prompt with what the server wants inside it, and the words that are left.

    Raises:
        UnsupportedError: The prompt holds the very sign that the server looks for.
    """
    prompt, plain = task.request.prompt, dict(words)
    for sign in filter(None, (server.negative_after, server.tag)):
        if sign in prompt or sign in (task.request.negative_prompt or ""):
            raise UnsupportedError(f"the server would read {sign!r} in the prompt as its own sign; nothing was sent")
    if server.negative_after and (negative := plain.pop("negative_prompt", None)):
        prompt = f"{prompt}{server.negative_after}{negative}"
    inside = {name: plain.pop(name) for name in sorted(server.tagged & plain.keys())}
    if inside:
        text = json.dumps(_named(server.names, inside), separators=(",", ":"), ensure_ascii=False)
        prompt = f"{prompt} <{server.tag}>{text}</{server.tag}>"
    return prompt, plain


def _pictures(server: Server, task: Task) -> dict[str, Any]:
    """The input pictures as JSON has them; a model's own name for them goes before the server's.

    Raises:
        UnsupportedError: There is a mask, and no path for one; or several where one is taken.
    """
    pictures = task.request.images
    if task.request.mask is not None:
        raise UnsupportedError("the server takes no mask; nothing was sent")
    names = task.capabilities.field_names if task.capabilities else {}
    name = names.get("images") or (server.image if len(pictures) == 1 else server.images)
    texts = [_text(server, each) for each in pictures]
    if name == server.images:
        return {name: texts}
    if len(texts) > 1:
        raise UnsupportedError(f"{task.model} takes one picture, not {len(texts)}; nothing was sent")
    return {name: texts[0]}


def _text(server: Server, picture: ImageInput) -> str:
    if server.pictures_as == "base64" and picture.url is None:
        return picture.base64()
    return picture.data_url()


def _form(server: Server, task: Task) -> Wire:
    """An edit as a multipart form.

    Raises:
        UnsupportedError: A picture is behind a URL, or something is asked that the form has no word for.
    """
    request = task.request
    form = server.masked if request.mask is not None and server.masked is not None else server.form
    if any(each.url is not None for each in request.images):
        raise UnsupportedError("the server takes input pictures as files, not behind URLs; nothing was sent")
    if len(request.images) > form.pictures or task.count > form.n:
        raise UnsupportedError(
            f"such an edit takes {form.pictures} and makes {form.n} pictures at most; nothing was sent"
        )
    spoken = replace(server, names=form.names, names_model=form.names_model) if form.takes is not None else server
    body = _body(spoken, task, _form_words(server, form, task))
    name = form.image if len(request.images) == 1 else form.images
    files = [(name, each) for each in request.images]
    if request.mask is not None:
        files.append(("mask", masks.as_repainting(request.mask, server.mask)))
    return Wire.multipart(form.path, {key: _text_part(value) for key, value in body.items()}, files)


def _form_words(server: Server, form: Form, task: Task) -> dict[str, Any]:
    """What of the request the form has a word for. What was asked and has none is refused; a default falls away."""
    words = _words(replace(server, sides=False), task)
    if form.takes is None:
        return words
    asked = {*task.request.asked(), *(task.options.model_fields_set if task.options else ())}
    strays = sorted(asked - (_APART - {"size"}) - form.takes - {"extra"})
    if strays:
        raise UnsupportedError(f"{task.model} takes no {strays[0]} in such an edit; nothing was sent")
    return {name: value for name, value in words.items() if name in form.takes}


def _text_part(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
