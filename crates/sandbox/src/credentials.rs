//! The fixed demo credentials that connectors use in mock mode. They open nothing but the sandbox.

use crate::Vendor;

/// The bot token of the sandbox's Slack workspace.
pub const SLACK_TOKEN: &str = "sandbox-slack-bot-token";
/// The account of the sandbox's Zoom server-to-server app.
pub const ZOOM_ACCOUNT_ID: &str = "sandbox-zoom-account";
/// The client id of that app.
pub const ZOOM_CLIENT_ID: &str = "sandbox-zoom-client";
/// The client secret of that app.
pub const ZOOM_CLIENT_SECRET: &str = "sandbox-zoom-client-secret";
/// The user for Basic authentication against the sandbox's ServiceNow.
pub const SERVICENOW_USER: &str = "agentops";
/// That user's password.
pub const SERVICENOW_PASSWORD: &str = "sandbox-servicenow-password";
/// A bearer token that ServiceNow accepts instead.
pub const SERVICENOW_TOKEN: &str = "sandbox-servicenow-token";
/// An `x-sn-apikey` that ServiceNow accepts instead.
pub const SERVICENOW_API_KEY: &str = "sandbox-servicenow-api-key";

/// How to authenticate against one vendor of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// `Authorization: Bearer <token>`.
    Bearer {
        /// The token.
        token: &'static str,
    },
    /// OAuth with account credentials: Basic client id and secret at the token endpoint.
    Account {
        /// Sent as `account_id`.
        account_id: &'static str,
        /// The Basic user.
        client_id: &'static str,
        /// The Basic password.
        client_secret: &'static str,
    },
    /// Basic user and password, or one of the alternatives.
    Basic {
        /// The user.
        user: &'static str,
        /// The password.
        password: &'static str,
        /// A bearer token accepted instead.
        token: &'static str,
        /// An API key accepted instead.
        api_key: &'static str,
    },
    /// The vendor asks for none.
    Open,
}

impl Credentials {
    pub(crate) fn of(vendor: Vendor) -> Self {
        match vendor {
            Vendor::Slack => Credentials::Bearer { token: SLACK_TOKEN },
            Vendor::Zoom => Credentials::Account {
                account_id: ZOOM_ACCOUNT_ID,
                client_id: ZOOM_CLIENT_ID,
                client_secret: ZOOM_CLIENT_SECRET,
            },
            Vendor::ServiceNow => Credentials::Basic {
                user: SERVICENOW_USER,
                password: SERVICENOW_PASSWORD,
                token: SERVICENOW_TOKEN,
                api_key: SERVICENOW_API_KEY,
            },
            Vendor::Devices => Credentials::Open,
        }
    }
}
