//! The fixed demo credentials that connectors use in mock mode. They open nothing but the sandbox.

/// The bot token of the sandbox's Slack workspace.
pub const SLACK_TOKEN: &str = "sandbox-slack-bot-token";
/// The account of the sandbox's Zoom server-to-server app.
pub const ZOOM_ACCOUNT_ID: &str = "sandbox-zoom-account";
/// The client id of that app.
pub const ZOOM_CLIENT_ID: &str = "sandbox-zoom-client";
/// The client secret of that app.
pub const ZOOM_CLIENT_SECRET: &str = "sandbox-zoom-client-secret";
/// The token of the sandbox's GitHub account.
pub const GITHUB_TOKEN: &str = "sandbox-github-token";
/// The e-mail address of the sandbox's Jira account.
pub const JIRA_EMAIL: &str = "agentops@avops.example";
/// That account's API token.
pub const JIRA_TOKEN: &str = "sandbox-jira-token";
/// The routing key of the sandbox's PagerDuty service: 32 characters, as PagerDuty's are.
pub const PAGERDUTY_ROUTING_KEY: &str = "sandboxpagerdutyroutingkey000001";
/// The API token that reads the sandbox's PagerDuty incidents.
pub const PAGERDUTY_API_TOKEN: &str = "sandbox-pagerduty-token";
/// The user whom the sandbox's Q-SYS core lets in.
pub const QSYS_USER: &str = "agentops";
/// That user's PIN.
pub const QSYS_PIN: &str = "2468";
/// The password of the sandbox's Extron switcher.
pub const EXTRON_PASSWORD: &str = "sandbox-extron-password";
/// The user for Basic authentication against the sandbox's ServiceNow.
pub const SERVICENOW_USER: &str = "agentops";
/// That user's password.
pub const SERVICENOW_PASSWORD: &str = "sandbox-servicenow-password";
/// A bearer token that ServiceNow accepts instead.
pub const SERVICENOW_TOKEN: &str = "sandbox-servicenow-token";
/// An `x-sn-apikey` that ServiceNow accepts instead.
pub const SERVICENOW_API_KEY: &str = "sandbox-servicenow-api-key";
/// The client id of the sandbox's Google OAuth client.
pub const GOOGLE_CLIENT_ID: &str = "sandbox-google-client";
/// That client's secret.
pub const GOOGLE_CLIENT_SECRET: &str = "sandbox-google-client-secret";
/// The refresh token of the account that the client acts for.
pub const GOOGLE_REFRESH_TOKEN: &str = "sandbox-google-refresh-token";
/// That account's address.
pub const GOOGLE_USER: &str = "av-operations@sandbox.example";
/// The subscription token of the sandbox's Brave search.
pub const BRAVE_API_KEY: &str = "sandbox-brave-api-key";
/// The user of the sandbox's mail server.
pub const MAIL_USER: &str = "agentops";
/// That user's password.
pub const MAIL_PASSWORD: &str = "sandbox-mail-password";
