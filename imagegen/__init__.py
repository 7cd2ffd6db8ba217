"""One interface over the world's image-generation models: ``imagegen.generate("a red fox", model="stub:painter")``.

Names load on first use: importing imagegen loads no provider, no HTTP, no imaging.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; importing typing would cost more than all the rest
if TYPE_CHECKING:
    from imagegen.blocking import Client as Client
    from imagegen.catalogue import Capabilities as Capabilities
    from imagegen.catalogue import Model as Model
    from imagegen.client import AsyncClient as AsyncClient
    from imagegen.comparison.comparing import Comparison as Comparison
    from imagegen.comparison.comparing import compare as compare
    from imagegen.errors import AuthenticationError as AuthenticationError
    from imagegen.errors import BadOutputError as BadOutputError
    from imagegen.errors import Billed as Billed
    from imagegen.errors import BudgetExceededError as BudgetExceededError
    from imagegen.errors import ConfigurationError as ConfigurationError
    from imagegen.errors import ConnectionFailedError as ConnectionFailedError
    from imagegen.errors import DeadlineExceededError as DeadlineExceededError
    from imagegen.errors import ImageGenError as ImageGenError
    from imagegen.errors import InvalidRequestError as InvalidRequestError
    from imagegen.errors import ModerationError as ModerationError
    from imagegen.errors import OutcomeUnknownError as OutcomeUnknownError
    from imagegen.errors import ProviderError as ProviderError
    from imagegen.errors import QuotaError as QuotaError
    from imagegen.errors import RateLimitError as RateLimitError
    from imagegen.errors import UnsupportedError as UnsupportedError
    from imagegen.front import configure as configure
    from imagegen.front import edit as edit
    from imagegen.front import generate as generate
    from imagegen.front import plan as plan
    from imagegen.front import use as use
    from imagegen.hookspecs import hookimpl as hookimpl
    from imagegen.http.messages import Reply as Reply
    from imagegen.http.messages import ServerEvent as ServerEvent
    from imagegen.http.messages import Wire as Wire
    from imagegen.listing import models as models
    from imagegen.listing import providers as providers
    from imagegen.provider import Call as Call
    from imagegen.provider import ChecksProvenance as ChecksProvenance
    from imagegen.provider import HttpProvider as HttpProvider
    from imagegen.provider import Judgement as Judgement
    from imagegen.provider import Judges as Judges
    from imagegen.provider import ListsJobs as ListsJobs
    from imagegen.provider import Provider as Provider
    from imagegen.types.connection import Connection as Connection
    from imagegen.types.cost import Cost as Cost
    from imagegen.types.events import Done as Done
    from imagegen.types.events import ImageReady as ImageReady
    from imagegen.types.events import Partial as Partial
    from imagegen.types.events import Progress as Progress
    from imagegen.types.events import Queued as Queued
    from imagegen.types.inputs import ImageInput as ImageInput
    from imagegen.types.job import Job as Job
    from imagegen.types.job import ListedJob as ListedJob
    from imagegen.types.job import OpenUnit as OpenUnit
    from imagegen.types.job import Output as Output
    from imagegen.types.job import Plan as Plan
    from imagegen.types.job import Reconciled as Reconciled
    from imagegen.types.job import RemoteJob as RemoteJob
    from imagegen.types.job import Running as Running
    from imagegen.types.job import Task as Task
    from imagegen.types.limits import Limits as Limits
    from imagegen.types.picture import ImageUrl as ImageUrl
    from imagegen.types.picture import PictureData as PictureData
    from imagegen.types.request import ImageRequest as ImageRequest
    from imagegen.types.request import ProviderOptions as ProviderOptions
    from imagegen.types.result import Adaptation as Adaptation
    from imagegen.types.result import Attempt as Attempt
    from imagegen.types.result import AttemptState as AttemptState
    from imagegen.types.result import Failure as Failure
    from imagegen.types.result import Image as Image
    from imagegen.types.result import ImageResult as ImageResult
    from imagegen.types.result import Latency as Latency
    from imagegen.types.result import Usage as Usage

_HOMES = {
    "catalogue": "Capabilities Model",
    "blocking": "Client",
    "client": "AsyncClient",
    "comparison.comparing": "Comparison compare",
    "errors": "AuthenticationError BadOutputError Billed BudgetExceededError ConfigurationError ConnectionFailedError "
    "DeadlineExceededError ImageGenError InvalidRequestError ModerationError OutcomeUnknownError ProviderError "
    "QuotaError RateLimitError UnsupportedError",
    "front": "configure edit generate plan use",
    "hookspecs": "hookimpl",
    "http.messages": "Reply ServerEvent Wire",
    "listing": "models providers",
    "provider": "Call ChecksProvenance HttpProvider Judgement Judges ListsJobs Provider",
    "types.connection": "Connection",
    "types.events": "Done ImageReady Partial Progress Queued",
    "types.inputs": "ImageInput",
    "types.job": "Job ListedJob OpenUnit Output Plan Reconciled RemoteJob Running Task",
    "types.limits": "Limits",
    "types.picture": "ImageUrl PictureData",
    "types.request": "ImageRequest ProviderOptions",
    "types.cost": "Cost",
    "types.result": "Adaptation Attempt AttemptState Failure Image ImageResult Latency Usage",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted(_HOME_OF)  # pyright: ignore[reportUnsupportedDunderAll] - a test holds it to what is declared
__version__ = "0.1.0"

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module 'imagegen' has no attribute {name!r}")
        import importlib

        value = getattr(importlib.import_module(f"imagegen.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOME_OF})
