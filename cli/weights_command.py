"""`serenade weights`: what the catalogue holds, fetching what is missing, and checking what is there."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.interrupts import stoppable
from render_service import weights
from shared.errors import Fault

app = typer.Typer(help="Fetch and check the weights.", no_args_is_help=True)

MIB = 1024**2


@app.command("list")
def list_() -> None:
    """What there is, on which terms, and whether it is here."""
    present = dict(weights.survey())
    table = Table("file", "MiB", "licence", "for", "here", caption=f"in {weights.folder()}", caption_justify="left")
    for weight in weights.CATALOGUE.values():
        here = "[green]yes[/]" if present[weight.name] else "[red]no[/]"
        table.add_row(weight.name, f"{weight.size_bytes / MIB:.1f}", weight.licence, weight.purpose, here)
    Console().print(table)


@app.command()
@stoppable()
def fetch(
    names: Annotated[list[str] | None, typer.Argument(help="File names from `list`. Default: all.")] = None,
) -> None:
    """Bring what is missing. What is already here costs no network."""
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done)

        try:
            brought = weights.fetch(names or None, show)
        except Fault as failed:
            typer.echo(f"{failed.detail}\nSee to the network or the disk, then run it again.", err=True)
            raise typer.Exit(1) from failed
    for name in brought:
        console.print(f"fetched {name}", highlight=False)
    if not brought:
        console.print("Everything is here already.")


@app.command()
def verify() -> None:
    """Read every file and compare it with the catalogue; exit status 1 if one differs."""
    states = weights.verify()
    for name, genuine in states:
        typer.echo(f"{'ok     ' if genuine else 'MISSING'}  {name}")
    if not all(genuine for _, genuine in states):
        typer.echo("Run: serenade weights fetch", err=True)
        raise typer.Exit(1)
