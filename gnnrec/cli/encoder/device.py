"""Which device a command uses."""

__all__ = ["choose_device"]


def choose_device(name: str) -> str:
    """``"cuda"`` for ``"auto"`` where there is one, else the CPU; other names as they are.

    Raises:
        ArgumentError: If there is no such device.
    """
    from encoders.store import EncodeOptions

    return str(EncodeOptions(device=name).resolve()[0])
