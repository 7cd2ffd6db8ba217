"""``imagegen completion``."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    imagegen completion bash > ~/.local/share/bash-completion/completions/imagegen
    imagegen completion fish > ~/.config/fish/completions/imagegen.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "imagegen", "_IMAGEGEN_COMPLETE").source())
