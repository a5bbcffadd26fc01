//! People and who did what.

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

/// A person of one agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Id.
    pub id: UserId,
    /// Agency (tenant) name, for example `demo`.
    pub agency: String,
    /// Sign-in name, unique in the installation.
    pub login: String,
    /// Name shown to others.
    pub name: String,
    /// Roles.
    pub roles: Vec<Role>,
    /// PHC string of the argon2id hash.
    pub password_hash: String,
    /// Interface language, `vi` or `en`.
    pub lang: String,
}

impl User {
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
        vec![
            IndexEntry { index: "user_by_login", key: self.login.clone() },
            IndexEntry { index: "user_by_agency", key: join(&[&self.agency, &self.login]) },
        ]
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
