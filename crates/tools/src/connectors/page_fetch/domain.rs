//! Which pages may be read: the list of domains, and how an address is held against it.

use reqwest::Url;
use types::Failure;

use super::DOMAINS;
use crate::http::clip;

/// The domains that are listed: `example.com`, `*.example.com` for what is below it, either with a
/// port; without one the usual ports of http and https are meant.
pub(super) struct Domains(Vec<String>);

impl Domains {
    pub(super) fn new(listed: Vec<String>) -> Self {
        Self(listed.into_iter().map(|domain| domain.to_lowercase()).collect())
    }

    /// Whether the address may be read.
    ///
    /// # Errors
    /// `domain_not_allowed`.
    pub(super) fn check(&self, url: &Url) -> Result<(), Failure> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(format!(
                "'{}' addresses can't be read",
                clip(url.scheme())
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("the address holds a user name or a password".to_owned()));
        }
        // `domain` is none for addresses in numbers, which no entry of the list can name.
        let host = url.domain().map(|host| host.trim_end_matches('.').to_lowercase());
        let allowed = host.is_some_and(|host| self.0.iter().any(|listed| fits(listed, &host, url.port())));
        if allowed {
            return Ok(());
        }
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let place = format!("{}{port}", url.host_str().unwrap_or_default());
        Err(refused(format!("'{}' is not listed in {DOMAINS}", clip(&place))))
    }
}

/// Whether a listed domain covers a host and a port; the port is none if it is the usual one.
fn fits(listed: &str, host: &str, port: Option<u16>) -> bool {
    let (domain, listed_port) = match listed.split_once(':') {
        Some((domain, port)) => (domain, port.parse::<u16>().ok()),
        None => (listed, None),
    };
    let usual = |port: &u16| !matches!(port, 80 | 443);
    if listed_port.filter(usual) != port.filter(usual) {
        return false;
    }
    match domain.strip_prefix("*.") {
        Some(above) => host
            .strip_suffix(above)
            .is_some_and(|below| below.ends_with('.') && below.len() > 1),
        None => host == domain,
    }
}

fn refused(message: String) -> Failure {
    let hint =
        format!("an administrator allows a domain with `agentops setting set {DOMAINS} '[\"example.com\"]'`");
    Failure::new("domain_not_allowed", message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_domains_on_their_ports_are_read() {
        let list = [
            "example.com",
            "*.Example.org",
            "wiki.example.net:8443",
            "localhost",
        ];
        let domains = Domains::new(list.iter().map(|domain| (*domain).to_owned()).collect());
        for (address, allowed) in [
            ("https://example.com/a", true),
            ("http://EXAMPLE.com", true),
            ("https://example.com:443/", true),
            ("https://example.com./", true),
            ("https://a.b.example.org/", true),
            ("https://wiki.example.net:8443/", true),
            ("http://localhost/", true),
            ("https://example.com:8443/", false),
            ("https://sub.example.com/", false),
            ("https://example.org/", false),
            ("https://evil-example.org/", false),
            ("https://example.org.evil.example/", false),
            ("https://wiki.example.net/", false),
            ("https://example.com@evil.example/", false),
            ("https://ann:x@example.com/", false),
            ("ftp://example.com/", false),
            ("file:///etc/passwd", false),
            ("javascript:alert(1)", false),
            ("http://127.0.0.1/", false),
            ("http://[::1]/", false),
            ("http://0x7f000001/", false),
        ] {
            let url = Url::parse(address).expect("a URL");
            assert_eq!(domains.check(&url).is_ok(), allowed, "{address}");
        }
        let url = Url::parse("https://example.com").expect("a URL");
        let failure = Domains::new(Vec::new()).check(&url).expect_err("none is listed");
        assert!(
            failure
                .hint
                .is_some_and(|hint| hint.contains("setting set tools.page_fetch.domains"))
        );
    }
}
