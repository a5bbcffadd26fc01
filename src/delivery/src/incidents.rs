//! What people must look at, and work that was given up which they have tried again.

use loa_model::{Actor, Job, JobId, Role, UserId, record::join};
use loa_store::{Changes, Error as StoreError, StoreExt as _, Versioned};

use crate::{
    Desk, Incident, IncidentKind,
    desk::{DeskError, NEWSROOM, NotNow, Result},
};

/// Who deals with incidents.
pub const CLOSERS: &[Role] = &[Role::Editor, Role::Approver, Role::Admin];

impl Desk {
    /// Open incidents of an agency, the oldest first.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn open_incidents(
        &self,
        agency: &str,
        limit: usize,
    ) -> Result<Vec<Versioned<Incident>>> {
        let prefix = join(&[agency, "open", ""]);
        Ok(self.store.list("incident_by_agency", &prefix, limit).await?)
    }

    /// Closed incidents of an agency, the newest first.
    ///
    /// # Errors
    /// [`DeskError::Store`].
    pub async fn closed_incidents(
        &self,
        agency: &str,
        limit: usize,
    ) -> Result<Vec<Versioned<Incident>>> {
        let prefix = join(&[agency, "closed", ""]);
        Ok(self.store.list_last("incident_by_agency", &prefix, limit).await?)
    }

    /// Closes an incident that was dealt with. Closed once is closed.
    ///
    /// # Errors
    /// [`DeskError::Role`], [`DeskError::Unknown`] also for another agency's.
    pub async fn close_incident(&self, id: &str, by: UserId) -> Result<()> {
        let unknown = || DeskError::Unknown(format!("incident {id}"));
        let mut kept = self.store.read::<Incident>(id).await?.ok_or_else(unknown)?;
        self.person(by, &kept.record.agency, CLOSERS).await?.ok_or_else(unknown)?;
        if kept.record.closed.is_some() {
            return Ok(());
        }
        kept.record.closed = Some((Some(by), self.clock.now()));
        let changes =
            Changes::by(Actor::User(by), "close incident").update(&kept.record, kept.version);
        self.store.commit(changes).await?;
        Ok(())
    }

    /// Has a job tried again that was given up or called off, from the beginning; closes what was told of it.
    ///
    /// # Errors
    /// [`DeskError::Role`]; [`DeskError::Unknown`] also for another agency's; [`DeskError::NotNow`] when it is under way or
    /// done.
    pub async fn retry_job(&self, id: JobId, by: UserId) -> Result<()> {
        let unknown = || DeskError::Unknown(format!("job {id}"));
        let kept = self.store.read::<Job>(&id.to_string()).await?.ok_or_else(unknown)?;
        self.person(by, &kept.record.agency, NEWSROOM).await?.ok_or_else(unknown)?;
        match self.store.retry_job(id, Actor::User(by)).await {
            Ok(()) => {}
            Err(StoreError::Refused { .. }) => return Err(NotNow::NotOver.into()),
            Err(error) => return Err(error.into()),
        }
        self.dealt_with(id, by).await
    }

    /// Leaves a job that nobody wants, and closes what was told of it.
    ///
    /// # Errors
    /// [`DeskError::Role`]; [`DeskError::Unknown`] also for another agency's.
    pub async fn leave_job(&self, id: JobId, by: UserId) -> Result<()> {
        let unknown = || DeskError::Unknown(format!("job {id}"));
        let kept = self.store.read::<Job>(&id.to_string()).await?.ok_or_else(unknown)?;
        self.person(by, &kept.record.agency, NEWSROOM).await?.ok_or_else(unknown)?;
        self.store.cancel_job(id, Actor::User(by)).await?;
        self.dealt_with(id, by).await
    }

    /// Closes what was told of a job.
    async fn dealt_with(&self, id: JobId, by: UserId) -> Result<()> {
        let told = Changes::by(Actor::User(by), "close incident");
        let told = self.closing(told, IncidentKind::Poison, &id.to_string(), by).await?;
        if !told.rows.is_empty() {
            self.store.commit(told).await?;
        }
        Ok(())
    }

    /// Closes the open incidents of a kind about something in the commit that deals with it.
    pub(crate) async fn closing(
        &self,
        mut changes: Changes,
        kind: IncidentKind,
        subject: &str,
        by: UserId,
    ) -> Result<Changes> {
        let prefix = join(&[kind.key(), subject, ""]);
        for mut open in self.store.list::<Incident>("incident_open", &prefix, 1000).await? {
            open.record.closed = Some((Some(by), self.clock.now()));
            changes = changes.update(&open.record, open.version);
        }
        Ok(changes)
    }
}
