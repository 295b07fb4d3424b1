//! Signing up and signing in. Tokens are in `tokens.rs`, hashing in `passwords.rs`.

use metastore::{Account, AccountNew, MetastoreError, UserCounts};
use types::{UserId, Username};

use crate::birth_date::CivilDate;
use crate::error::ProductError;
use crate::tokens::Session;
use crate::{Product, Result, text};

/// What someone types to sign up.
#[derive(Clone)]
pub struct Registration {
    pub username: String,
    pub password: String,
    /// `YYYY-MM-DD`.
    pub birth_date: String,
    /// The username when absent.
    pub display_name: Option<String>,
}

impl Product {
    /// Creates an account and signs it in.
    ///
    /// [`ProductError::Invalid`], [`ProductError::TooYoung`] or [`ProductError::UsernameTaken`] say no.
    pub async fn account_register(&self, registration: Registration) -> Result<Session> {
        let now_ms = self.now_ms();
        let username = username_of(&registration.username)?;
        let born = self.birth_date_check(&registration.birth_date, CivilDate::of(now_ms))?;
        let wanted = registration.display_name.as_deref().unwrap_or(username.as_str());
        let display_name = text::bounded("displayName", wanted, 1, self.limits().display_name_chars_max)?;
        self.password_check(&registration.password)?;
        if self.store().account_by_username(&username).await?.is_some() {
            return Err(ProductError::UsernameTaken);
        }
        let password_hash = self.inner.passwords.hash(&registration.password).await?;
        let new = AccountNew {
            id: UserId::from_raw(self.id_next(now_ms)),
            username: &username,
            display_name: &display_name,
            password_hash: &password_hash,
            birth_date: &born.to_string(),
            created_at_ms: now_ms,
        };
        let refresh_token = self.account_store(&new).await?;
        self.session_of(&account_of(&new), refresh_token, now_ms)
    }

    /// Signs in. The answer takes as long for an unknown username as for a wrong password.
    pub async fn account_login(&self, username: &str, password: &str) -> Result<Session> {
        let account = match Username::parse(username) {
            Ok(username) => self.store().account_by_username(&username).await?,
            Err(_) => None,
        };
        let too_long = password.chars().count() > self.limits().password_chars_max;
        let stored = account.as_ref().map(|account| account.password_hash.clone());
        // A password over the limit is no account's; it is not worth hashing megabytes to say so.
        let matches = !too_long && self.inner.passwords.verify(password, stored).await?;
        let account = account.filter(|_| matches).ok_or(ProductError::BadCredentials)?;
        let now_ms = self.now_ms();
        let mut tx = self.store().write("account_login").await?;
        let refresh_token = self.refresh_family_begin(&mut tx, account.id, now_ms).await?;
        tx.commit().await?;
        self.session_of(&account, refresh_token, now_ms)
    }

    async fn account_store(&self, new: &AccountNew<'_>) -> Result<String> {
        let mut tx = self.store().write("account_register").await?;
        tx.account_create(new).await.map_err(|error| match error {
            MetastoreError::Conflict(_) => ProductError::UsernameTaken,
            other => other.into(),
        })?;
        let refresh_token = self
            .refresh_family_begin(&mut tx, new.id, new.created_at_ms)
            .await?;
        tx.commit().await?;
        metrics::counter!("riffle_product_accounts_total").increment(1);
        Ok(refresh_token)
    }

    /// Whether the person is known to be of age now.
    pub async fn account_is_adult(&self, user: UserId) -> Result<bool> {
        let account = self.store().account_by_id(user).await?;
        Ok(account.is_some_and(|account| self.is_adult(&account)))
    }

    /// Whether somebody born then is of age now; a date that does not read is nobody's.
    pub(crate) fn is_adult(&self, account: &Account) -> bool {
        let today = CivilDate::of(self.now_ms());
        let born = CivilDate::parse(&account.birth_date);
        born.is_ok_and(|born| born.age_years(today) >= self.limits().adult_years_min)
    }

    fn birth_date_check(&self, text: &str, today: CivilDate) -> Result<CivilDate> {
        let born = CivilDate::parse(text)?;
        let age_years_min = self.limits().age_years_min;
        if born > today {
            return Err(ProductError::invalid("birthDate", "birthDate lies in the future"));
        }
        if born.age_years(today) < age_years_min {
            return Err(ProductError::TooYoung { age_years_min });
        }
        Ok(born)
    }

    fn password_check(&self, password: &str) -> Result<()> {
        let (min, max) = (self.limits().password_chars_min, self.limits().password_chars_max);
        if (min..=max).contains(&password.chars().count()) {
            return Ok(());
        }
        Err(ProductError::invalid(
            "password",
            format!("a password has {min} to {max} characters"),
        ))
    }
}

/// The account just stored, without asking for it again.
fn account_of(new: &AccountNew<'_>) -> Account {
    Account {
        id: new.id,
        username: new.username.as_str().to_owned(),
        display_name: new.display_name.to_owned(),
        bio: String::new(),
        password_hash: String::new(),
        birth_date: new.birth_date.to_owned(),
        created_at_ms: new.created_at_ms,
        counts: UserCounts::default(),
    }
}

fn username_of(text: &str) -> Result<Username> {
    Username::parse(text).map_err(|error| ProductError::invalid("username", error.to_string()))
}
