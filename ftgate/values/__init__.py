"""Frozen types that every room shares. No IO, clock, randomness or environment; no vendor but msgspec."""
