"""The demo: the bundled tiny model and the sample repository."""
