//! Every clause of the channel contract, for every adapter, against that channel's own stand-in.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod platforms;

use loa_channel::{Cx, Outgoing, To, conformance::Bench as _};
use loa_model::{DeliveryId, Ticket, seams::OpenGate};
use platforms::{Site, Which};

mod facebook {
    use super::*;
    async fn bench() -> Site {
        Site::open(Which::Facebook).await
    }
    loa_channel::conformance_tests!(bench);
}

mod facebook_two_phase {
    use super::*;
    async fn bench() -> Site {
        Site::open(Which::FacebookTwoPhase).await
    }
    loa_channel::conformance_tests!(bench);
}

mod viber {
    use super::*;
    /// An account that may post has a webhook. The chain that sets the first one is part of the delivery tests.
    async fn bench() -> Site {
        let site = Site::open(Which::Viber).await;
        set_webhook(&site).await;
        site
    }
    loa_channel::conformance_tests!(bench);
}

mod youtube {
    use super::*;
    async fn bench() -> Site {
        Site::open(Which::YouTube).await
    }
    loa_channel::conformance_tests!(bench);
}

mod zalo {
    use super::*;
    async fn bench() -> Site {
        Site::open(Which::Zalo).await
    }
    loa_channel::conformance_tests!(bench);
}

/// Takes the step that the adapter takes when the platform asks for a webhook.
async fn set_webhook(site: &Site) {
    let cx = Cx {
        clock: site.clock(),
        blobs: &*site.blobs,
        media: &*site.files,
        gate: &OpenGate,
        ear: &loa_channel::Deaf,
    };
    let to = To { account: &site.account, secret: &site.secret };
    let content = site.contents().swap_remove(0);
    let post = Outgoing {
        delivery: DeliveryId(uuid::Uuid::from_u128(1)),
        marker: &content.link.code,
        content: &content,
        since: site.clock().now(),
    };
    let at = Ticket { step: "webhook".to_owned(), data: serde_json::json!({}) };
    site.channel.advance(&cx, to, post, Some(at)).await.unwrap();
}
