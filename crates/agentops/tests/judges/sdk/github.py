"""A round trip by PyGithub: an issue, a branch, a file made and changed, a pull request."""

import json
import sys

from github import Auth, Github, GithubException

told = json.loads(sys.argv[1])
client = Github(
    base_url=told["url"],
    auth=Auth.Token(told["secrets"]["token"]),
    verify=told["ca"],
    retry=None,
    seconds_between_requests=None,
    seconds_between_writes=None,
)
assert client.get_user().login == "agentops"
repository = client.get_repo("avops/runbooks")
issue = repository.create_issue("From the SDK", body="words", labels=["docs"])
assert [known.title for known in repository.get_issues(state="open")][0] == "From the SDK"
issue.create_comment("said")
assert [comment.body for comment in issue.get_comments()] == ["said"]
issue.edit(state="closed", state_reason="completed")
assert repository.get_issue(issue.number).state == "closed"

head = repository.get_git_ref("heads/main").object.sha
repository.create_git_ref("refs/heads/sdk", head)
made = repository.create_file("sdk.md", "Made", "one\n", branch="sdk")
there = repository.get_contents("sdk.md", ref="sdk")
assert there.decoded_content == b"one\n", there.decoded_content
repository.update_file("sdk.md", "Changed", "two\n", there.sha, branch="sdk")
assert repository.get_contents("sdk.md", ref="sdk").decoded_content == b"two\n"
assert [commit.commit.message for commit in repository.get_commits(sha="sdk", path="sdk.md")] == ["Changed", "Made"]
try:
    repository.update_file("sdk.md", "Stale", "three\n", there.sha, branch="sdk")
except GithubException as error:
    assert error.status == 409, error
else:
    raise SystemExit("an old version was replaced")

pull = repository.create_pull(base="main", head="sdk", title="From the SDK", body="why")
again = repository.get_pull(pull.number)
assert (again.additions, again.changed_files, again.commits) == (1, 1, 2), again.raw_data
assert again.head.sha != head
print(json.dumps({"issue": issue.number, "pull": pull.number}))
