//! How GitHub's answers show people, the repository, issues and comments.

use serde_json::{Map, Value, json};
use types::Timestamp;

use super::git::MAIN;
use super::state::{Comment, Issue};
use crate::call::Call;
use crate::state::opaque;
use crate::world::World;

pub(super) const OWNER: &str = "avops";
pub(super) const NAME: &str = "runbooks";
/// The log-in that requests act as.
pub(super) const LOGIN: &str = "agentops";
/// Log-ins that there are.
pub(super) const LOGINS: [&str; 3] = [LOGIN, "dana-reyes", OWNER];

/// The addresses of a repository's parts, as far as they follow from its own.
const PARTS: [(&str, &str); 36] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

/// The addresses that answers are made of.
pub(super) struct Show {
    /// Of the API.
    root: String,
    /// Of the repository in the API.
    pub api: String,
    /// Of the repository for people.
    pub web: String,
}

impl Show {
    /// The API's addresses are where the call came in: SDKs follow them, and only there.
    pub(super) fn new(world: &World, call: &Call) -> Self {
        let root = format!("{}/github", world.asked_at(call));
        Self {
            api: format!("{root}/repos/{OWNER}/{NAME}"),
            web: format!("{}/github/web/{OWNER}/{NAME}", world.public_url()),
            root,
        }
    }

    /// A person, as they are mentioned.
    pub(super) fn user(&self, login: &str) -> Value {
        let url = format!("{}/users/{login}", self.root);
        let number = LOGINS.iter().position(|known| *known == login).unwrap_or(0) + 1;
        json!({
            "login": login,
            "id": number,
            "node_id": node("User", number as u64),
            "avatar_url": format!("{}/web/{login}.png", self.root),
            "gravatar_id": "",
            "url": url,
            "html_url": format!("{}/web/{login}", self.root),
            "followers_url": format!("{url}/followers"),
            "following_url": format!("{url}/following{{/other_user}}"),
            "gists_url": format!("{url}/gists{{/gist_id}}"),
            "starred_url": format!("{url}/starred{{/owner}}{{/repo}}"),
            "subscriptions_url": format!("{url}/subscriptions"),
            "organizations_url": format!("{url}/orgs"),
            "repos_url": format!("{url}/repos"),
            "events_url": format!("{url}/events{{/privacy}}"),
            "received_events_url": format!("{url}/received_events"),
            "type": if login == OWNER { "Organization" } else { "User" },
            "site_admin": false,
        })
    }

    /// `GET /user`.
    pub(super) fn me(&self, now: Timestamp) -> Value {
        let more = json!({
            "user_view_type": "public", "name": "AgentOps", "company": null, "blog": null, "location": null,
            "email": null, "hireable": null, "bio": null, "public_repos": 1, "public_gists": 0,
            "followers": 0, "following": 0, "created_at": stamp(now), "updated_at": stamp(now),
        });
        merged(self.user(LOGIN), more)
    }

    /// The repository, whole.
    pub(super) fn repository(&self, now: Timestamp, open_issues: usize) -> Value {
        let parts: Map<String, Value> = PARTS
            .iter()
            .map(|(name, part)| ((*name).to_owned(), format!("{}{part}", self.api).into()))
            .collect();
        let own = json!({
            "id": 1, "node_id": node("Repository", 1), "name": NAME, "full_name": format!("{OWNER}/{NAME}"),
            "private": false, "owner": self.user(OWNER), "html_url": self.web, "url": self.api,
            "description": "How the rooms of AV Operations are run", "fork": false,
            "clone_url": format!("{}.git", self.web), "git_url": format!("{}.git", self.web),
            "ssh_url": format!("git@sandbox:{OWNER}/{NAME}.git"), "svn_url": self.web, "mirror_url": null,
            "homepage": null, "language": null, "license": null, "default_branch": MAIN,
        });
        let rest = json!({
            "forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0,
            "network_count": 0, "subscribers_count": 0, "size": 1, "open_issues": open_issues,
            "open_issues_count": open_issues, "has_issues": true, "has_projects": false, "has_wiki": false,
            "has_pages": false, "has_downloads": false, "has_discussions": false, "archived": false,
            "disabled": false, "visibility": "public", "topics": [], "allow_forking": true,
            "is_template": false, "web_commit_signoff_required": false, "pushed_at": stamp(now),
            "created_at": stamp(now), "updated_at": stamp(now),
        });
        merged(merged(Value::Object(parts), own), rest)
    }

    /// An issue, or the issue side of a pull request.
    pub(super) fn issue(&self, number: u64, issue: &Issue) -> Value {
        let url = format!("{}/issues/{number}", self.api);
        let kind = if issue.pull.is_some() { "pull" } else { "issues" };
        let mut shown = json!({
            "id": issue.id, "node_id": node("Issue", issue.id), "number": number, "url": url,
            "repository_url": self.api, "labels_url": format!("{url}/labels{{/name}}"),
            "comments_url": format!("{url}/comments"), "events_url": format!("{url}/events"),
            "html_url": format!("{}/{kind}/{number}", self.web), "title": issue.title, "body": issue.body,
            "user": self.user(LOGIN), "labels": self.labels(issue), "state": state(issue),
            "state_reason": issue.reason, "locked": false, "active_lock_reason": null,
            "assignee": issue.assignees.first().map(|login| self.user(login)),
            "assignees": self.people(issue), "milestone": null, "comments": issue.comments.len(),
            "created_at": stamp(issue.created), "updated_at": stamp(issue.updated),
            "closed_at": issue.closed.map(stamp),
            "closed_by": issue.closed.map(|_| self.user(LOGIN)), "author_association": "MEMBER",
        });
        if issue.pull.is_some() {
            let pull = format!("{}/pulls/{number}", self.api);
            let web = format!("{}/pull/{number}", self.web);
            shown["pull_request"] = json!({
                "url": pull, "html_url": web, "diff_url": format!("{web}.diff"), "patch_url": format!("{web}.patch"),
                "merged_at": null,
            });
            shown["draft"] = issue.pull.as_ref().is_some_and(|pull| pull.draft).into();
        }
        shown
    }

    /// A comment.
    pub(super) fn comment(&self, number: u64, comment: &Comment) -> Value {
        json!({
            "id": comment.id, "node_id": node("IssueComment", comment.id),
            "url": format!("{}/issues/comments/{}", self.api, comment.id),
            "html_url": format!("{}/issues/{number}#issuecomment-{}", self.web, comment.id),
            "issue_url": format!("{}/issues/{number}", self.api), "body": comment.body,
            "user": self.user(LOGIN), "created_at": stamp(comment.created), "updated_at": stamp(comment.created),
            "author_association": "MEMBER",
        })
    }

    pub(super) fn labels(&self, issue: &Issue) -> Value {
        let label = |name: &String| {
            let number = u64::from_str_radix(&opaque(name, 0)[..8], 16).unwrap_or(0);
            json!({
                "id": number, "node_id": node("Label", number), "url": format!("{}/labels/{name}", self.api),
                "name": name, "color": "ededed", "default": false, "description": null,
            })
        };
        issue.labels.iter().map(label).collect()
    }

    pub(super) fn people(&self, issue: &Issue) -> Value {
        issue.assignees.iter().map(|login| self.user(login)).collect()
    }
}

/// open or closed.
pub(super) fn state(issue: &Issue) -> &'static str {
    if issue.open { "open" } else { "closed" }
}

/// An instant to the second, as GitHub writes it.
pub(super) fn stamp(at: Timestamp) -> String {
    seconds(at.as_millis().div_euclid(1_000))
}

/// The same from seconds since the Unix epoch.
pub(super) fn seconds(at: i64) -> String {
    jiff::Timestamp::from_second(at).unwrap_or_default().to_string()
}

/// An opaque name of a thing.
pub(super) fn node(kind: &str, number: u64) -> String {
    format!("{}_{}", &kind[..1], &opaque(kind, number)[..16])
}

/// Two objects as one; the second has the last word.
pub(super) fn merged(mut one: Value, other: Value) -> Value {
    if let (Value::Object(all), Value::Object(more)) = (&mut one, other) {
        all.extend(more);
    }
    one
}
