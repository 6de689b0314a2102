//! Where a call's marker stands: the last line of a body, or a trailer of a commit message.

use crate::CallContext;

/// The trailer's name.
const TRAILER: &str = "AgentOps-Key";

/// `body` with the marker behind it, which readers don't see.
pub(super) fn sign(ctx: &CallContext, body: &str) -> String {
    let comment = comment(ctx);
    match body.trim_end() {
        "" => comment,
        words => format!("{words}\n\n{comment}"),
    }
}

/// Whether a body holds this call's marker.
pub(super) fn signed(ctx: &CallContext, body: &str) -> bool {
    body.contains(&comment(ctx))
}

/// A commit message with the trailer.
pub(super) fn sign_commit(ctx: &CallContext, message: &str) -> String {
    format!("{}\n\n{TRAILER}: {}\n", message.trim_end(), ctx.marker())
}

/// Whether a commit message holds this call's trailer.
pub(super) fn signed_commit(ctx: &CallContext, message: &str) -> bool {
    let trailer = format!("{TRAILER}: {}", ctx.marker());
    message.lines().any(|line| line.trim_end() == trailer)
}

/// A body as people read it: without our marker.
pub(super) fn readable(body: &str) -> &str {
    match body.rfind("<!-- agentops:") {
        Some(at) if body[at..].trim_end().ends_with("-->") => body[..at].trim_end(),
        _ => body,
    }
}

fn comment(ctx: &CallContext) -> String {
    format!("<!-- agentops:{} -->", ctx.marker())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_last_line_is_hidden_from_readers() {
        for (body, shown) in [
            ("words\n\n<!-- agentops:k1 -->", "words"),
            ("<!-- agentops:k1 -->\n", ""),
            (
                "words <!-- agentops:k1 --> more",
                "words <!-- agentops:k1 --> more",
            ),
            ("<!-- note -->", "<!-- note -->"),
        ] {
            assert_eq!(readable(body), shown);
        }
    }
}
