"""Azure: where its addresses lead and how its keys are shown.

Source: Microsoft image how-to, @ai-sdk/azure 3.0.128, openai-python 3.54 (`AzureOpenAI`), read 2026-11-22.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from imagegen import Task
    from imagegen.types.connection import Endpoint

_HOSTS = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
_DEPLOYMENTS = "/openai/deployments/"


def is_azure(endpoint: Endpoint) -> bool:
    """By its host, or because it is asked with a version of the API."""
    host = urlsplit(endpoint.base_url or "").hostname or ""
    return host.endswith(_HOSTS) or endpoint.api_version is not None


def path_of(task: Task, path: str) -> str:
    """``path`` below the base URL.

    A resource's bare address gets its route: ``/openai/v1``, or with a dated version of the API the deployment's own,
    where the deployment's name is the model's.
    """
    endpoint = task.endpoint
    if endpoint is None or not is_azure(endpoint):
        return path
    base = urlsplit(endpoint.base_url or "").path.rstrip("/")
    if base not in ("", "/openai"):
        return path
    dated = (endpoint.api_version or "")[:1].isdigit()
    route = f"deployments/{quote(task.model, safe='')}" if dated else "v1"
    return f"{'' if base else '/openai'}/{route}{path}"


def names_model(task: Task) -> bool:
    """Whether the address names the model already: a deployment's, which refuses a second name."""
    return task.endpoint is not None and _DEPLOYMENTS in f"{task.endpoint.base_url}{path_of(task, '')}/"


def query_of(task: Task) -> dict[str, str]:
    """The version of the API, where the connection says one."""
    version = task.endpoint.api_version if task.endpoint is not None else None
    return {"api-version": version} if version else {}
