"""From a request to the paid submits it will make, what was adapted, and what it can cost. No network, no key."""

from __future__ import annotations

import difflib
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from imagegen import catalogue, money, plugins
from imagegen.adapting import Form, adapt, default_format
from imagegen.entry_points import plugin_names
from imagegen.errors import ConfigurationError, ImageGenError, UnsupportedError
from imagegen.intake import take_in
from imagegen.provider import HttpProvider
from imagegen.secrets import clean
from imagegen.types.job import Operation, Plan, Task
from imagegen.types.request import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagegen.catalogue import Model, Parameter, SizeRule
    from imagegen.http.messages import Wire
    from imagegen.provider import Provider
    from imagegen.settings import Settings
    from imagegen.types.connection import Endpoint
    from imagegen.types.request import ImageRequest, ProviderOptions
    from imagegen.types.result import Adaptation
    from imagegen.types.run import Policy


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be planned: the request, what to do with it, and how far it may be changed."""

    request: ImageRequest
    operation: Operation
    policy: Policy = "adapt"
    stream: bool = False


def plan_call(wish: Wish, models: tuple[str, ...], settings: Settings) -> tuple[Plan, ...]:
    """A plan for each model that can do it, in the order given.

    Raises:
        ImageGenError: None can; what is wrong with the first.
    """
    plans, problems = [], []
    for name in models:
        try:
            plans.append(plan_one(wish, name, settings))
        except (UnsupportedError, ConfigurationError) as error:
            problems.append(error)
    if not plans:
        raise problems[0]
    return tuple(plans)


def plan_one(wish: Wish, name: str, settings: Settings) -> Plan:
    """Exactly what would be sent to ``name`` (``connection:model``), and what it would cost.

    Raises:
        UnsupportedError: The model cannot do it, or is retired.
        ConfigurationError: No such connection, provider or option; or its plugin is broken.
    """
    endpoint, model_id = resolve(name, settings)
    provider = plugins.provider_class(endpoint.provider)()
    model = catalogue.find_model(endpoint.provider, model_id)
    warnings = _known(endpoint, model_id, model)
    _check_operation(wish, model)
    options = _options(wish.request, provider, model, wish.operation)
    request, turned, said = take_in(wish.request, model)
    adapted, adaptations = _adapted(replace(wish, request=request), model, options)
    first = Task(adapted, model_id, wish.operation, None, options, endpoint=endpoint)
    tasks = _split(first, model, wish.stream and (model is None or model.capabilities.streaming))
    costs = tuple(money.price_before(model, task) for task in tasks)
    return Plan(
        model=name,
        request=wish.request,
        operation=wish.operation,
        tasks=tasks,
        wires=tuple(_wire(provider, task) for task in tasks) if isinstance(provider, HttpProvider) else (),
        adaptations=(*turned, *adaptations),
        defaults=_defaults(first, model),
        cost=money.add_costs(costs),
        task_costs=costs,
        warnings=(*warnings, *said),
    )


def resolve(name: str, settings: Settings) -> tuple[Endpoint, str]:
    """The endpoint and the provider's own model id behind ``connection:model``; split at the first colon only.

    Raises:
        ConfigurationError: It is not of that form, or no such connection exists.
    """
    connection, colon, model_id = name.partition(":")
    if not (connection and colon and model_id):
        raise ConfigurationError(f"a model is named connection:model, for example stub:painter, not {name!r}")
    return settings.endpoint(connection), model_id


def _known(endpoint: Endpoint, model_id: str, model: Model | None) -> list[str]:
    """What a caller should know of the model before paying.

    Raises:
        UnsupportedError: It is retired at the provider's own address, or does not exist.
    """
    if model is None:
        return [_not_in_catalogue(endpoint, model_id)]
    status, sentence = catalogue.retirement(model, datetime.now(UTC).date(), endpoint.own_base_url)
    if status == "retired":
        raise UnsupportedError(f"{sentence}; nothing was sent")
    return [sentence] if sentence else []


def _not_in_catalogue(endpoint: Endpoint, model_id: str) -> str:
    known = catalogue.models_of(endpoint.provider)
    near = difflib.get_close_matches(model_id, known, n=2, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    if endpoint.facts.closed:
        raise UnsupportedError(f"{endpoint.provider} has no model {model_id!r}; {hint or 'it has ' + ', '.join(known)}")
    asked = f"{endpoint.provider}:{model_id} is not in the catalogue: sent as asked, price unknown"
    return f"{asked}; {hint}" if hint and not endpoint.own_base_url else asked


def _options(
    request: ImageRequest, provider: Provider, model: Model | None, operation: Operation
) -> ProviderOptions | None:
    """The provider's own options, validated; those of other providers wait for their turn.

    Raises:
        ConfigurationError: A namespace or a key that does not exist, or a bad value.
        UnsupportedError: The model does not take one of them.
    """
    names = {each.name for each in plugin_names()}
    for namespace in request.options:
        if namespace not in names:
            near = difflib.get_close_matches(namespace, names, n=2)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ConfigurationError(f"options for an unknown provider {namespace!r}{hint}")
    given = request.options.get(provider.name)
    if not given:
        return None
    try:
        options = provider.Options.model_validate(given)
    except ValidationError as error:
        near = difflib.get_close_matches(next(iter(given)), provider.Options.model_fields, n=1)
        known = f"; {provider.name} has {', '.join(provider.Options.model_fields) or 'no options'}"
        raise ConfigurationError(f"options {provider.name}: {one_line(error)}{known if not near else ''}") from None
    if model is not None:
        _check_options(options, model, operation)
    return options


def _check_options(options: ProviderOptions, model: Model, operation: Operation) -> None:
    for name in sorted(options.model_fields_set):
        rule, value = model.capabilities.options.get(name), getattr(options, name)
        if rule is not None and rule.operations and operation not in rule.operations:
            raise UnsupportedError(f"the option {name} is for {' and '.join(rule.operations)}; nothing was sent")
        if rule is None:
            raise UnsupportedError(f"{model.name} does not take the option {name}; nothing was sent")
        if rule.values and str(value) not in rule.values:
            raise UnsupportedError(f"{model.name} takes {name} {', '.join(rule.values)}, not {value}; nothing was sent")
        most = rule.maximum_in.get(operation, rule.maximum)
        if isinstance(value, (int, float)) and not _in_range(value, rule.minimum, most):
            span = f"{rule.minimum:g} to {most:g}" if rule.minimum is not None else f"at most {most:g}"
            raise UnsupportedError(f"{model.name} takes {name} {span}, not {value}; nothing was sent")


def _in_range(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _check_operation(wish: Wish, model: Model | None) -> None:
    if wish.operation == "edit" and not wish.request.images:
        raise ConfigurationError("edit needs a picture: images=[...]; nothing was sent")
    if wish.operation == "generate" and wish.request.images:
        raise ConfigurationError("generate takes no input pictures, edit does; nothing was sent")
    if model is not None and wish.operation not in model.capabilities.operations:
        raise UnsupportedError(f"{model.name} cannot {wish.operation}; nothing was sent")


def _adapted(
    wish: Wish, model: Model | None, options: ProviderOptions | None
) -> tuple[ImageRequest, tuple[Adaptation, ...]]:
    if model is None:
        return wish.request, ()

    def price_at(size: str) -> Any:
        at_size = wish.request.with_fields({"size": size})
        return money.price_before(model, Task(at_size, model.id, wish.operation, wish.request.n, options)).at_most_usd

    stream = wish.stream and model.capabilities.streaming
    return adapt(wish.request, Form(model, wish.operation, stream, price_at), wish.policy)


def _split(first: Task, model: Model | None, stream: bool) -> tuple[Task, ...]:
    """One task a call. With a seed, each call starts where the one before it ended, so no picture comes twice."""
    request = first.request
    unknown = (first.endpoint.facts.n_per_call if first.endpoint else None) or request.n
    per_call = (model.capabilities.n_per_call if model else unknown) if not stream else 1
    if stream and model is not None:
        per_call = model.capabilities.n_streaming
    tasks, before = [], 0
    while before < request.n:
        count = min(per_call, request.n - before)
        seed = None if request.seed is None else request.seed + before
        task = replace(
            first,
            request=request.with_fields({"n": count, "seed": seed}),
            n=count if "n" in request.model_fields_set else None,
            defaults=_sent_defaults(first, model),
            stream=stream,
            capabilities=model.capabilities if model else None,
            key=uuid.uuid4().hex,
        )
        tasks.append(task)
        before += count
    return tuple(tasks)


def _sent_defaults(task: Task, model: Model | None) -> dict[str, Any]:
    if model is None:
        return {}
    rules: dict[str, Parameter | SizeRule] = {**model.capabilities.options, **model.capabilities.parameters}
    rules["size"] = model.capabilities.sizes
    return {name: value for name, value in _defaults(task, model).items() if rules[name].send_default}


def _defaults(task: Task, model: Model | None) -> Mapping[str, Any]:
    """What the model chooses where the caller did not."""
    if model is None:
        return {}
    capabilities, request = model.capabilities, task.request
    asked = {*request.asked(), *(task.options.model_fields_set if task.options else ())}
    output_format = request.output_format or default_format(model)
    chosen = {
        name: rule.default
        for name, rule in {**capabilities.options, **capabilities.parameters}.items()
        if rule.default is not None
        and name not in asked
        and (not rule.formats or output_format in rule.formats)
        and (not rule.operations or task.operation in rule.operations)
    }
    size = capabilities.sizes.default_for(task.operation)
    if size and "size" not in asked:
        chosen["size"] = size
    return chosen


def _wire(provider: HttpProvider, task: Task) -> Wire:
    try:
        return provider.wire(task)
    except ImageGenError:
        raise
    except Exception as error:  # the fence around foreign code
        what = clean(f"{type(error).__name__}: {error}")
        raise ConfigurationError(f"provider {provider.name} could not write the request: {what}") from error
