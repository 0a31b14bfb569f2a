"""The command that mints an API key and says what to set for it."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
import typer
from pydantic import SecretStr, ValidationError

from .keys import mint_key, new_pepper
from .settings import PREFIX, BadSettings, KeySettings, load_settings

keys_app = typer.Typer(help="API keys of the service.", no_args_is_help=True)


@keys_app.callback()
def keys() -> None:
    """API keys of the service."""


@keys_app.command("new")
def new(
    scopes: Annotated[str, typer.Option(help="What the key may do, e.g. score,read; * for all")],
    owner: Annotated[str, typer.Option(help="Who gets it; the same name for both in a rotation")],
    days: Annotated[int | None, typer.Option(min=1, help="Expire after so many days")] = None,
) -> None:
    """Mint an API key. The secret is printed once, the service keeps only a digest of it.

    To rotate: mint a second key for the same owner, move the owner to it, drop the first.
    """
    try:
        settings = load_settings(KeySettings)
        pepper = settings.key_pepper or SecretStr(new_pepper())
        expires = datetime.now(UTC) + timedelta(days=days) if days else None
        wanted = frozenset(name.strip() for name in scopes.split(","))
        secret, key = mint_key(wanted, owner, pepper.get_secret_value().encode(), expires)
    except BadSettings as error:
        raise _stop(str(error)) from None
    except ValidationError as error:
        wrong = sorted({f"--{e['loc'][0]}" for e in error.errors()})
        raise _stop(f"{', '.join(wrong)}: use letters, digits and any of . _ : -") from None
    records = [k.model_dump(mode="json", exclude_none=True) for k in (*settings.api_keys, key)]
    typer.echo(f"Give this to {owner}; it is not shown again:", err=True)
    typer.echo(secret)
    typer.echo("Set these, in the environment or in .env:", err=True)
    if settings.key_pepper is None:
        typer.echo(f"{PREFIX}KEY_PEPPER='{pepper.get_secret_value()}'")
    typer.echo(f"{PREFIX}API_KEYS='{orjson.dumps(records).decode()}'")


def _stop(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)
