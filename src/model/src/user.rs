//! People and who did what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ids::UserId,
    record::{IndexEntry, Record, join},
};

/// What a person may do in an agency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Queues articles and posts.
    Author,
    /// Edits variants and submits.
    Editor,
    /// Approves, returns, retracts.
    Approver,
    /// Reads reports.
    Analyst,
    /// Manages accounts and people.
    Admin,
}

impl Role {
    /// Every role, in the order in which a post passes through their hands.
    pub const ALL: [Self; 5] =
        [Self::Author, Self::Editor, Self::Approver, Self::Analyst, Self::Admin];
}

/// What a person may do in one agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// The agency.
    pub agency: String,
    /// Roles there; without any the person looks only.
    pub roles: Vec<Role>,
}

/// A person. They belong to one agency, which keeps their name and their password, and may work in others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Agency (tenant) they belong to, for example `demo`.
    pub agency: String,
    /// Sign-in name, unique in the installation.
    pub login: String,
    /// Name shown to others.
    pub name: String,
    /// Roles in that agency.
    pub roles: Vec<Role>,
    /// Other agencies they work in, with their roles there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<Membership>,
    /// PHC string of the argon2id hash.
    pub password_hash: String,
    /// Interface language, `vi` or `en`.
    pub lang: String,
    /// Since when the person may not sign in any more; absent for whoever may. The record stays, because what they did names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deactivated_at: Option<Timestamp>,
    /// Whether somebody else gave them their password: in a browser they choose their own before anything else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub must_renew: bool,
}

impl User {
    /// Whether the person may sign in.
    pub fn is_active(&self) -> bool {
        self.deactivated_at.is_none()
    }

    /// Every agency they work in with their roles there, the one they belong to first.
    pub fn memberships(&self) -> Vec<Membership> {
        let own = Membership { agency: self.agency.clone(), roles: self.roles.clone() };
        std::iter::once(own).chain(self.also.iter().cloned()).collect()
    }

    /// The person as they are in an agency: its roles and no other. Nobody when they do not work there.
    ///
    /// What it answers is for asking who may do what, never for writing: the person is kept with all their agencies.
    pub fn in_agency(&self, agency: &str) -> Option<Self> {
        let there = self.memberships().into_iter().find(|there| there.agency == agency)?;
        let Membership { agency, roles } = there;
        Some(Self { agency, roles, also: Vec::new(), ..self.clone() })
    }

    /// Whether the person has this role; an admin does not approve by being admin.
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether the person has one of these roles.
    pub fn is_any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.is(*role))
    }
}

impl Record for User {
    const TABLE: &'static str = "user";
    fn key(&self) -> String {
        self.id.to_string()
    }
    fn index(&self) -> Vec<IndexEntry> {
        let place = |agency: &str| IndexEntry {
            index: "user_by_agency",
            key: join(&[agency, &self.login]),
        };
        let mut entries = vec![
            IndexEntry { index: "user_by_login", key: self.login.clone() },
            place(&self.agency),
        ];
        entries.extend(self.also.iter().map(|there| place(&there.agency)));
        entries
    }
}

/// A sign-in name that is taken. An index holds several rows under one key, a table one: of two people who are added at once
/// with one name, the second is a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The name.
    pub login: String,
    /// Whose it is.
    pub user: UserId,
}

impl Record for Login {
    const TABLE: &'static str = "login";
    fn key(&self) -> String {
        self.login.clone()
    }
}

/// Who caused a change: written with it in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by", content = "who")]
pub enum Actor {
    /// A person.
    User(UserId),
    /// A worker process, by its owner name.
    Worker(String),
    /// A command given by the operator of the machine.
    Operator(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_written_before_anybody_could_be_deactivated_is_active_and_stays_as_written() {
        let old = r#"{"id":"00000000-0000-7000-8000-00000000abcd","agency":"demo","login":"lan","name":"Lan","roles":["author"],"password_hash":"x","lang":"vi"}"#;
        let user: User = serde_json::from_str(old).unwrap();
        assert!(user.is_active());
        assert_eq!(serde_json::to_string(&user).unwrap(), old);
        let at = Timestamp::from_second(1_800_000_000).unwrap();
        let gone = User { deactivated_at: Some(at), ..user };
        let read: User = serde_json::from_str(&serde_json::to_string(&gone).unwrap()).unwrap();
        assert!(!read.is_active());
    }

    #[test]
    fn a_person_has_in_each_agency_the_roles_of_that_agency_only() {
        let lan: User = serde_json::from_str(
            r#"{"id":"00000000-0000-7000-8000-00000000abcd","agency":"a","login":"lan","name":"Lan","roles":["approver"],
                "also":[{"agency":"b","roles":["author"]},{"agency":"c","roles":[]}],"password_hash":"x","lang":"vi"}"#,
        )
        .unwrap();
        let there = |agency: &str| lan.in_agency(agency).map(|there| (there.agency, there.roles));
        assert_eq!(there("a"), Some(("a".into(), vec![Role::Approver])));
        assert_eq!(there("b"), Some(("b".into(), vec![Role::Author])));
        assert_eq!(there("c"), Some(("c".into(), vec![])));
        assert_eq!(there("d"), None);
        assert!(
            lan.in_agency("b").is_some_and(|there| there.also.is_empty() && there.id == lan.id)
        );
        let places = lan.index().into_iter().filter(|entry| entry.index == "user_by_agency");
        let places: Vec<String> = places.map(|entry| entry.key).collect();
        assert_eq!(places, ["a", "b", "c"].map(|agency| join(&[agency, "lan"])));
    }
}
