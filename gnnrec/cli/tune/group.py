"""A command that is a group, too."""

from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer import Context

__all__ = ["TuneGroup"]


class TuneGroup(TyperGroup):
    """``tune PATH`` is ``tune run PATH``: what is no command of the group is data to run a study on."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:  # type: ignore[override]
        """Put ``run`` in front where no command is named."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)
