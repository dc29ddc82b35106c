"""The kernel workbench: one kernel source, proved on every device, then timed and tuned per device."""

__version__ = "0.1.0"
