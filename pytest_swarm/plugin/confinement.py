"""What confines answered code on this machine: said before the run, and required with --swarm-code-eval=strict."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_swarm.errors import OptionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """The layers in force, and those of the kernel that are missing."""

    layers: tuple[str, ...]
    missing: tuple[str, ...]

    @classmethod
    def found(cls, *, strict: bool) -> Confinement:
        """Return what a trial start of the sandbox finds; OptionError where `strict` requires more."""
        from pytest_swarm.scoring.sandbox.run_cases import KERNEL_LAYERS, layers_in_force

        layers = layers_in_force()
        found = cls(layers=layers, missing=tuple(name for name in KERNEL_LAYERS if name not in layers))
        if strict and found.missing:
            raise OptionError(
                f"--swarm-code-eval=strict: this system has no {' and no '.join(found.missing)} to confine answered "
                f"code; run on Linux 5.13 or newer, or take --swarm-code-eval in a virtual machine"
            )
        return found

    @property
    def warning(self) -> str | None:
        """One sentence where the kernel does not confine answered code, else None."""
        if not self.missing:
            return None
        held = ", ".join(self.layers) or "nothing"
        return (
            f"answered code runs without {' and '.join(self.missing)} (in force: {held}); it can read files and more. "
            f"--swarm-code-eval=strict refuses that"
        )
