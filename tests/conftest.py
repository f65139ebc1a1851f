"""Property tests draw the same examples every time, so that a red run is the change's doing; `make fuzz` explores."""

from hypothesis import settings

settings.register_profile("steady", derandomize=True, database=None, deadline=None)
settings.load_profile("steady")
