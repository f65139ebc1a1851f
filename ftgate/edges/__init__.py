"""The outside: git, disk, models, services. The only room that imports vendors, inside functions."""
