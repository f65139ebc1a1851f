"""A GitHub on loopback, for tests: stateful, held to GitHub's own description of its API, and able to fail.

    with github() as hub:                                   # tests.github.server
        repo = hub.repository("acme/bank", roles={"wanda": "write"})
        repo.git.commit("main", {"README.md": "..."})       # a real bare repository: repo.git.root can be pushed to
        hub.fork("acme/bank", "stranger").git.commit("main", {"data.jsonl": "..."})
        hub.pull("acme/bank", "stranger:main", "stranger", number=7)  # its head follows the branch
        hub.token("job", "github-actions[bot]", may={"contents": "read", "pull-requests": "write"})
        hub.token("wanda", "wanda")                         # a person's token: the role decides
        hub.comment("acme/bank", 7, "/ftgate run ...", "wanda")
        run = hub.run("acme/bank", ".github/workflows/ftgate.yml", sha, {"admit": (), "train": ("admit",)}, pulls=(7,))
        hub.finish(run, {"admit": "failure", "train": "skipped"})
        hub.ruleset("acme/bank", "main", [{"type": "required_status_checks", "parameters": {...}}])
        hub.faults.calls[3] = "502"                         # tests.github.faults
        hub.faults.before[4] = lambda: repo.git.commit("topic", {...})  # a push between two calls
        client at hub.url; afterwards hub.journal, hub.calls("POST"), repo.comments

A request or an answer that GitHub's description does not know fails the test when the block ends.
"""
