//! Who holds a role beyond being a person with an account, and the trail of how that changed. It does not know what a role allows.

use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row};
use types::{TimestampMs, UserId};

use crate::error::MetastoreError;
use crate::row;
use crate::store::{LIST_MAX, Metastore, Write, statements};

statements! {
    ROLE_EXISTS = "SELECT 1 AS one FROM roles WHERE user_id = $1 AND role = $2";
    ROLES_OF_USER = "SELECT role FROM roles WHERE user_id = $1 ORDER BY role LIMIT $2";
    ROLE_HOLDERS = "SELECT r.user_id, a.username, r.granted_at_ms, r.granted_by \
        FROM roles r JOIN accounts a ON a.id = r.user_id WHERE r.role = $1 ORDER BY r.granted_at_ms, r.user_id LIMIT $2";
    ROLE_CHANGES = "SELECT c.user_id, a.username, c.role, c.change, c.changed_at_ms, c.changed_by \
        FROM role_changes c LEFT JOIN accounts a ON a.id = c.user_id ORDER BY c.id DESC LIMIT $1";
    ROLE_INSERT = "INSERT INTO roles (user_id, role, granted_at_ms, granted_by) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (user_id, role) DO NOTHING";
    ROLE_DELETE = "DELETE FROM roles WHERE user_id = $1 AND role = $2";
    ROLE_CHANGE_NEXT_ID = "UPDATE sequences SET value = value + 1 WHERE name = 'role_changes' RETURNING value";
    ROLE_CHANGE_INSERT = "INSERT INTO role_changes (id, user_id, role, change, changed_at_ms, changed_by) \
        VALUES ($1, $2, $3, $4, $5, $6)";
}

/// What a person may do beyond their own account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Looks after the running house: sees its figures, asks for checkpoints.
    Admin,
}

impl Role {
    /// As stored and as sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        (text == Self::Admin.as_str()).then_some(Self::Admin)
    }
}

/// Which way a role went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleChangeKind {
    Grant,
    Revoke,
}

impl RoleChangeKind {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Revoke => "revoke",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Grant, Self::Revoke]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

/// Someone who holds a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleHolder {
    pub user: UserId,
    pub username: String,
    pub granted_at_ms: TimestampMs,
    pub granted_by: String,
}

/// One row of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    pub user: UserId,
    /// None when the account is gone.
    pub username: Option<String>,
    pub role: Role,
    pub kind: RoleChangeKind,
    pub changed_at_ms: TimestampMs,
    pub changed_by: String,
}

impl FromRow<'_, SqliteRow> for RoleHolder {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            user: row::user(row, "user_id")?,
            username: row.try_get("username")?,
            granted_at_ms: row.try_get("granted_at_ms")?,
            granted_by: row.try_get("granted_by")?,
        })
    }
}

impl FromRow<'_, SqliteRow> for RoleChange {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            user: row::user(row, "user_id")?,
            username: row.try_get("username")?,
            role: row::word(row, "role", Role::parse)?,
            kind: row::word(row, "change", RoleChangeKind::parse)?,
            changed_at_ms: row.try_get("changed_at_ms")?,
            changed_by: row.try_get("changed_by")?,
        })
    }
}

/// A row that holds nothing but a role.
struct RoleRow(Role);

impl FromRow<'_, SqliteRow> for RoleRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        row::word(row, "role", Role::parse).map(Self)
    }
}

impl Metastore {
    /// Whether `user` holds `role` now.
    pub async fn role_exists(&self, user: UserId, role: Role) -> Result<bool, MetastoreError> {
        let query = ROLE_EXISTS.query().bind(user.as_i64()).bind(role.as_str());
        let found = query.fetch_optional(&self.readers).await;
        found.map(|row| row.is_some()).map_err(ROLE_EXISTS.failed())
    }

    /// Every role of `user`; none for almost everybody.
    pub async fn roles_of_user(&self, user: UserId) -> Result<Vec<Role>, MetastoreError> {
        let query = ROLES_OF_USER
            .rows::<RoleRow>()
            .bind(user.as_i64())
            .bind(i64::from(LIST_MAX));
        let rows = query.fetch_all(&self.readers).await;
        rows.map(|rows| rows.into_iter().map(|row| row.0).collect())
            .map_err(ROLES_OF_USER.failed())
    }

    /// Who holds `role`, longest first, at most [`LIST_MAX`].
    pub async fn role_holders(&self, role: Role) -> Result<Vec<RoleHolder>, MetastoreError> {
        let query = ROLE_HOLDERS.rows().bind(role.as_str()).bind(i64::from(LIST_MAX));
        query
            .fetch_all(&self.readers)
            .await
            .map_err(ROLE_HOLDERS.failed())
    }

    /// The newest rows of the trail first, at most [`LIST_MAX`].
    pub async fn role_changes(&self) -> Result<Vec<RoleChange>, MetastoreError> {
        let query = ROLE_CHANGES.rows().bind(i64::from(LIST_MAX));
        query
            .fetch_all(&self.readers)
            .await
            .map_err(ROLE_CHANGES.failed())
    }
}

impl Write {
    /// Grants `role` and notes it; false, and nothing noted, when `user` holds it already.
    pub async fn role_grant(
        &mut self,
        user: UserId,
        role: Role,
        at_ms: TimestampMs,
        by: &str,
    ) -> Result<bool, MetastoreError> {
        let insert = ROLE_INSERT
            .query()
            .bind(user.as_i64())
            .bind(role.as_str())
            .bind(at_ms)
            .bind(by.to_owned());
        let changed = self.run(ROLE_INSERT, insert).await? > 0;
        if changed {
            self.role_change_note(user, role, RoleChangeKind::Grant, at_ms, by)
                .await?;
        }
        Ok(changed)
    }

    /// Takes `role` back and notes it; false, and nothing noted, when `user` does not hold it.
    pub async fn role_revoke(
        &mut self,
        user: UserId,
        role: Role,
        at_ms: TimestampMs,
        by: &str,
    ) -> Result<bool, MetastoreError> {
        let delete = ROLE_DELETE.query().bind(user.as_i64()).bind(role.as_str());
        let changed = self.run(ROLE_DELETE, delete).await? > 0;
        if changed {
            self.role_change_note(user, role, RoleChangeKind::Revoke, at_ms, by)
                .await?;
        }
        Ok(changed)
    }

    async fn role_change_note(
        &mut self,
        user: UserId,
        role: Role,
        kind: RoleChangeKind,
        at_ms: TimestampMs,
        by: &str,
    ) -> Result<(), MetastoreError> {
        let next = ROLE_CHANGE_NEXT_ID.query().fetch_one(self.connection()).await;
        let id: i64 = next
            .and_then(|row| row.try_get("value"))
            .map_err(ROLE_CHANGE_NEXT_ID.failed())?;
        let insert = ROLE_CHANGE_INSERT
            .query()
            .bind(id)
            .bind(user.as_i64())
            .bind(role.as_str())
            .bind(kind.as_str())
            .bind(at_ms)
            .bind(by.to_owned());
        self.run(ROLE_CHANGE_INSERT, insert).await.map(drop)
    }
}
