"""Serve the review application, and say who may use it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from belonging_llm.cli.front import JSON, STUDY, main, plainly

_ROLES = click.Choice(["coder", "adjudicator", "admin"])
_PORT = 8765
_USUAL = f"http://127.0.0.1:{_PORT}/"


@main.command()
@STUDY
@click.option("--port", default=_PORT, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--name", "names", multiple=True, metavar="NAME", help="Name that browsers ask for it by; repeatable.")
@click.option("--certificate", type=click.Path(path_type=Path), help="TLS certificate (chain), PEM.")
@click.option("--key", type=click.Path(path_type=Path), help="Its private key, PEM.")
@click.option(
    "--public-url",
    default="",
    metavar="URL",
    help="Behind a proxy that ends TLS: the address that people type, https://coding.example.org.",
)
@click.option(
    "--proxy",
    "proxies",
    multiple=True,
    metavar="ADDRESS",
    help="Address or network of that proxy, which alone may ask; repeatable.  [this machine]",
)
@click.option("--insecure-http", "insecure", is_flag=True, help="Let plain HTTP leave this machine.")
@plainly
def review(
    study: Path,
    port: int,
    host: str,
    names: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
    public_url: str,
    proxies: tuple[str, ...],
    insecure: bool,
) -> None:
    """Serve STUDY's review application, for this machine alone unless told otherwise.

    People code blind, adjudicate and check the model there. Make their accounts with
    `belonging reviewers STUDY add NAME`.

    Behind nginx or Caddy say --public-url: requests must then come through the proxy, ask for that
    very name, and forms must come from that very address. The proxy has to hand on the Host that
    was asked for, and to name the client in X-Forwarded-For (Caddy does both by itself).
    """
    from belonging_llm.review import accounts
    from belonging_llm.review.server import Where, listen, serve
    from belonging_llm.study import Study

    where = Where(host, port, names, certificate, key, insecure, public_url, proxies)
    where.check()
    opened = Study(study)
    if not opened.store.reviewers.all():
        click.echo("nobody has an account yet; make one with `belonging reviewers STUDY add NAME`", err=True)
    accounts.lengthen(opened)
    taken = listen(where)
    address = where.address(taken.getsockname()[1])
    click.echo(f"{address}  (Ctrl+C ends it)")
    if address != _USUAL:
        click.echo(f"people's links begin with it: `belonging reviewers STUDY add NAME --address {address}`", err=True)
    serve(opened, where, [taken])


@main.group()
@STUDY
@click.pass_context
def reviewers(context: click.Context, study: Path) -> None:
    """Say who may use STUDY's review application, and as what."""
    context.obj = study


@reviewers.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default="coder", show_default=True, help="What they may do.")
@click.option(
    "--coder",
    default="",
    metavar="NAME",
    help="The name that their codings stand under. For an adjudicator or admin who codes by another account: that "
    "account's, so that they cannot settle their own codings.  [their own]",
)
@click.option(
    "--segments",
    "drawn_from",
    default="",
    metavar="all|'plan N'|'sample N'",
    help="What a coder codes, in an order of their own.  [all; a queue that is there stays what it is]",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Of the order.  [drawn, and recorded]")
@click.option(
    "--address",
    default="",
    metavar="URL",
    help=f"Where the application is: what `belonging review` prints, or its --public-url.  [{_USUAL}]",
)
@click.pass_obj
@plainly
def reviewers_add(
    study: Path, name: str, role: str, coder: str, drawn_from: str, seed: int | None, address: str
) -> None:
    """Make an account and print a one-time link by which NAME sets a password.

    For an account that is there the link is made anew; a coder's queue gets the segments that it lacks.
    """
    from belonging_llm.review import accounts
    from belonging_llm.store import Role
    from belonging_llm.study import Study

    opened = Study(study)
    token = accounts.add(opened, name, Role(role), coder=coder)
    if role == "coder":
        n = accounts.assign(opened, name, drawn_from=drawn_from, seed=seed)
        click.echo(f"{name} has {n} segments in the queue", err=True)
    if not address:
        click.echo(
            f"the link is for `belonging review` on its own port, {_PORT}; served elsewhere (--port, --public-url), "
            "put that address before /welcome/, or say it with --address",
            err=True,
        )
    click.echo(f"{(address or _USUAL).rstrip('/')}/welcome/{token}")


@reviewers.command("list")
@JSON
@click.pass_obj
@plainly
def reviewers_list(study: Path, as_json: bool) -> None:
    """Print every account, and how far coders are."""
    from belonging_llm.review.summaries import account_lines, accounts_json
    from belonging_llm.study import Study

    opened = Study(study)
    if as_json:
        click.echo(json.dumps(accounts_json(opened), indent=2, ensure_ascii=False))
        return
    for line in account_lines(opened):
        click.echo(line)


@reviewers.command("revoke")
@click.argument("name")
@click.pass_obj
@plainly
def reviewers_revoke(study: Path, name: str) -> None:
    """Close NAME's account; whoever is signed in with it is out at once. Their codings stay."""
    from belonging_llm.review import accounts
    from belonging_llm.study import Study

    accounts.revoke(Study(study), name)
    click.echo(f"{name}: closed")
