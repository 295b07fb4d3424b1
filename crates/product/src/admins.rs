//! Who looks after the house: granting and taking the admin role, and asking for it. What an admin may do is decided at the door.
//!
//! A role is asked for at every request, in the store: a token says who somebody is, and it lives on for minutes after a role was
//! taken. Granting goes through the data folder, never through the API, so that no account can make itself or another one an admin.

use metastore::{Account, Metastore, Role, RoleChange, RoleHolder};
use types::{UserId, Username};

use crate::error::ProductError;
use crate::{Clock, Result};

/// The admins of a house. Made from its store alone, so that a command can use it while the house is running or shut.
#[derive(Clone)]
pub struct Admins {
    store: Metastore,
    clock: Clock,
}

impl Admins {
    pub fn new(store: Metastore, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Passes for an admin; [`ProductError::Forbidden`] for everybody else.
    pub async fn check(&self, user: UserId) -> Result<()> {
        if self.store.role_exists(user, Role::Admin).await? {
            return Ok(());
        }
        Err(ProductError::Forbidden(
            "this is for admins; whoever runs the server can make you one: riffle admin grant USERNAME",
        ))
    }

    /// Every role of `user`; none for almost everybody.
    pub async fn roles(&self, user: UserId) -> Result<Vec<Role>> {
        Ok(self.store.roles_of_user(user).await?)
    }

    /// Makes `username` an admin on the word of `by`; false when they are one already.
    pub async fn grant(&self, username: &str, by: &str) -> Result<bool> {
        let user = self.account(username).await?.id;
        let mut tx = self.store.write("admin_grant").await?;
        let changed = tx.role_grant(user, Role::Admin, (self.clock)(), by).await?;
        tx.commit().await?;
        tracing::info!(%user, by, changed, "the admin role was granted");
        Ok(changed)
    }

    /// Takes the role from `username`; false when they do not have it. It holds from the next request on.
    pub async fn revoke(&self, username: &str, by: &str) -> Result<bool> {
        let user = self.account(username).await?.id;
        let mut tx = self.store.write("admin_revoke").await?;
        let changed = tx.role_revoke(user, Role::Admin, (self.clock)(), by).await?;
        tx.commit().await?;
        tracing::info!(%user, by, changed, "the admin role was taken back");
        Ok(changed)
    }

    /// All admins, the longest-serving first.
    pub async fn list(&self) -> Result<Vec<RoleHolder>> {
        Ok(self.store.role_holders(Role::Admin).await?)
    }

    /// The trail of grants and revocations, the newest first.
    pub async fn changes(&self) -> Result<Vec<RoleChange>> {
        Ok(self.store.role_changes().await?)
    }

    async fn account(&self, username: &str) -> Result<Account> {
        let name = Username::parse(username)
            .map_err(|error| ProductError::invalid("username", error.to_string()))?;
        self.store
            .account_by_username(&name)
            .await?
            .ok_or(ProductError::NotFound("the account"))
    }
}
