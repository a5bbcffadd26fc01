//! A second agency, people who work in both, and tokens of programs.

use jiff::SignedDuration;
use loa_model::{Actor, Agency, Clock as _, Digest, Installation, Membership, Role, User};
use loa_store::{Changes, Store as _, StoreExt as _};
use loa_web::{ApiToken, Scope};

use super::{World, records::by};

impl World {
    /// Adds the second agency: its only person approves here, too, and author and administrator of the first one work there.
    pub async fn two_agencies(&self) {
        let agency = Agency {
            name: "khac".into(),
            title: "Sở Y tế tỉnh Minh Họa và Trung tâm Kiểm soát bệnh tật".into(),
            brand: "demo".into(),
            zone: "Asia/Ho_Chi_Minh".into(),
            urgent_alone: false,
        };
        let installation = Installation { kept_by: "demo".into() };
        let changes = Changes::by(by(), "add agency").insert(&agency).insert(&installation);
        self.store.commit(changes).await.unwrap();
        let people = &self.people;
        for (user, agency, role) in [
            (&people.stranger, "demo", Role::Approver),
            (&people.author, "khac", Role::Author),
            (&people.admin, "khac", Role::Admin),
        ] {
            let row = self.store.read::<User>(&user.id.to_string()).await.unwrap().unwrap();
            let also = vec![Membership { agency: agency.into(), roles: vec![role] }];
            let actor = Actor::User(people.admin.id);
            let user = User { also, ..row.record };
            let changes = Changes::by(actor, "let person in").update(&user, row.version);
            self.store.commit(changes).await.unwrap();
        }
        let now = self.clock.now();
        for (user, name, scopes, state) in [
            (&people.author, "Trang nội bộ lấy lịch đăng", vec![Scope::Read], "open"),
            (
                &people.approver,
                "Bảng điều khiển phòng họp",
                vec![Scope::Read, Scope::Write],
                "open",
            ),
            (&people.approver, "Máy thử cũ", vec![Scope::Read, Scope::Approve], "revoked"),
            (
                &people.admin,
                "Sao lưu người dùng hằng đêm",
                vec![Scope::Read, Scope::Admin],
                "expired",
            ),
        ] {
            let token = ApiToken {
                digest: Digest::of(name.as_bytes()),
                name: name.into(),
                user: user.id,
                agency: "demo".into(),
                scopes,
                created_at: now - SignedDuration::from_hours(48),
                expires_at: now
                    + SignedDuration::from_hours(if state == "expired" { -24 } else { 720 }),
                last_used: (state != "expired").then(|| "2026-11-16".parse().unwrap()),
                revoked_at: (state == "revoked").then_some(now),
            };
            let changes = Changes::by(Actor::User(user.id), "make API token").insert(&token);
            self.store.commit(changes).await.unwrap();
        }
    }
}
