"""``imagegen doctor``."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from imagegen import catalogue, plugins
from imagegen.cli import showing
from imagegen.cli.using import settled_ledger
from imagegen.entry_points import plugin_names
from imagegen.errors import ImageGenError
from imagegen.ledger.reading import Reader
from imagegen.settings import Settings, config_folder, missing_key
from imagegen.spool import Spool, default_folder

_SOON = timedelta(days=90)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Everything as one object.")
def doctor(as_json: bool) -> None:
    """Say which keys are set (never their values), which setting won, what loads, and which models end soon.

    \b
    imagegen doctor
    imagegen doctor --json
    """
    settings = Settings.load()
    found: dict[str, Any] = {
        "python": sys.version.split()[0],
        "settings_file": str(settings.file_path) if settings.file_path else None,
        "settings_folder": str(config_folder()),
        "spool": str(default_folder()),
        **_ledger(len(Spool(default_folder()).jobs())),
        "plugins": [_plugin(each.name) for each in plugin_names()],
        "connections": [_connection(name, settings) for name in settings.names()],
        "retiring": _retiring(),
    }
    if as_json:
        showing.show_json(found)
    else:
        _show(found)
    if any(each["problem"] for each in found["plugins"]):
        raise SystemExit(1)


def _ledger(spooled: int) -> dict[str, Any]:
    """Where the ledger is, and what is open on it and in the spool."""
    where = settled_ledger()
    if where is None or not where.exists():
        return {"ledger": str(where) if where else None, "ledger_problem": None, "open_jobs": spooled}
    try:
        with contextlib.closing(Reader.open(where)) as reader:
            open_jobs = len({unit.call_id for unit in reader.open_units()})
    except ImageGenError as error:
        return {"ledger": str(where), "ledger_problem": error.message, "open_jobs": spooled}
    return {"ledger": str(where), "ledger_problem": None, "open_jobs": spooled + open_jobs}


def _plugin(name: str) -> dict[str, Any]:
    try:
        plugins.provider_class(name)
    except ImageGenError as error:
        return {"name": name, "problem": error.message}
    return {"name": name, "problem": None}


def _connection(name: str, settings: Settings) -> dict[str, Any]:
    try:
        endpoint = settings.endpoint(name)
    except ImageGenError as error:
        return {"name": name, "problem": error.message}
    needs = bool(endpoint.facts.key_variables)
    return {
        "name": name,
        "provider": endpoint.provider,
        "base_url": endpoint.base_url,
        "base_url_from": endpoint.sources["base_url"],
        "key": endpoint.sources["api_key"] if needs or endpoint.api_key else "not needed",
        "problem": missing_key(endpoint),
    }


def _retiring() -> list[dict[str, str | None]]:
    today = datetime.now(UTC).date()
    return [
        {"model": model.name, "on": model.shutdown.isoformat(), "replacement": model.replacement}
        for model in catalogue.all_models()
        if model.shutdown is not None and today < model.shutdown <= today + _SOON
    ]


def _show(found: dict[str, Any]) -> None:
    click.echo(f"Python {found['python']}")
    click.echo(f"settings: {found['settings_file'] or 'no imagegen.toml in ' + found['settings_folder']}")
    click.echo(f"ledger: {found['ledger_problem'] or found['ledger'] or 'off'}")
    click.echo(f"spool: {found['spool']}")
    click.echo(f"open jobs: {found['open_jobs']}")
    click.echo("plugins:")
    for plugin in found["plugins"]:
        click.echo(f"  {plugin['name']}: {plugin['problem'] or 'loads'}")
    click.echo("connections:")
    for each in found["connections"]:
        where = f" at {each['base_url']} ({each['base_url_from']})" if each.get("base_url") else ""
        click.echo(f"  {each['name']}{where}; key: {each.get('key', each['problem'])}")
    if found["retiring"]:
        click.echo("retiring within 90 days:")
    for each in found["retiring"]:
        click.echo(f"  {each['model']} on {each['on']}; replacement: {each['replacement'] or 'none named'}")
