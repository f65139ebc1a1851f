"""The command line: parse, build, run, exit. No decision and no loop lives in a command."""
