"""The commands `channels`: which ways there are and how they do, whether they can work, and drills that test them.

Joins the command line by an entry point: what speaks to the outside is the workers'.
"""

import typer

from workers.cli import checks, drilling, listing

commands = typer.Typer(
    help="See the ways that people are told by, check that they can work, and test them.", no_args_is_help=True
)
for part in (listing, checks, drilling):
    commands.registered_commands.extend(part.commands.registered_commands)
