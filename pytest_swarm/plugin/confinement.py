"""What confines answered code on this machine: said before the run, and required with --swarm-code-eval=strict."""

from __future__ import annotations

from pytest_swarm.errors import OptionError


def confinement_warning(*, strict: bool) -> str | None:
    """Return one sentence where the kernel does not confine answered code, else None.

    Raises:
        OptionError: A trial start of the sandbox finds less than `strict` requires.
    """
    from pytest_swarm.scoring.sandbox.run_cases import KERNEL_LAYERS, layers_in_force

    layers = layers_in_force()
    missing = [name for name in KERNEL_LAYERS if name not in layers]
    if not missing:
        return None
    if strict:
        raise OptionError(
            f"--swarm-code-eval=strict: this system has no {' and no '.join(missing)} to confine answered "
            f"code; run on Linux 5.13 or newer, or take --swarm-code-eval in a virtual machine"
        )
    return (
        f"answered code runs without {' and '.join(missing)} (in force: {', '.join(layers) or 'nothing'}); it can read "
        "files and more. --swarm-code-eval=strict refuses that"
    )
