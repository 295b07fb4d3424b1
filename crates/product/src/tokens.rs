//! Access and refresh tokens.
//!
//! An access token is a JWT (HS256) that lives for minutes and is checked in memory. A refresh token is 32 random bytes,
//! stored only as a hash; each use replaces it, and a token that comes back after its use ends the whole login, since
//! either the owner or a thief holds a copy. What a token allows is not decided here.

use aws_lc_rs::{digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use metastore::{Account, TokenHash, Write};
use serde::{Deserialize, Serialize};
use types::{TimestampMs, UserId};

use crate::error::ProductError;
use crate::{Product, Result};

/// Length of the key that signs access tokens.
pub const TOKEN_KEY_BYTES: usize = 32;

const REFRESH_TOKEN_BYTES: usize = 32;
const ISSUER: &str = "riffle";
const S_MS: i64 = 1_000;

/// Why a token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the access token could not be signed")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("the system has no randomness")]
    Randomness,
}

/// Proof of a login, to hand to its owner.
#[derive(Clone)]
pub struct Session {
    pub user: UserId,
    pub username: String,
    pub display_name: String,
    pub access_token: String,
    pub access_expires_in_s: u64,
    pub refresh_token: String,
    pub refresh_expires_in_s: u64,
}

impl std::fmt::Debug for Session {
    /// Leaves the tokens out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    /// Seconds since the epoch, as RFC 7519 has it.
    iat: i64,
    exp: i64,
    /// Whether `sub` was of age when it was signed; absent for those who were not. Of a birth date nothing more leaves this room.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    adult: bool,
}

/// Whom an access token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    pub user: UserId,
    /// Whether they are known to be of age.
    pub is_adult: bool,
    /// From then on the token is not good any more.
    pub until_ms: TimestampMs,
}

/// Signs and checks access tokens.
pub(crate) struct AccessTokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    lifetime_s: u64,
}

impl AccessTokens {
    pub(crate) fn new(key: &[u8; TOKEN_KEY_BYTES], lifetime_s: u64) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        // Expiry is checked against the room's clock, in `verify`.
        validation.validate_exp = false;
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "sub", "exp"]);
        Self {
            signing: EncodingKey::from_secret(key),
            checking: DecodingKey::from_secret(key),
            validation,
            lifetime_s,
        }
    }

    fn sign(&self, user: UserId, adult: bool, now_ms: TimestampMs) -> Result<String> {
        let iat = now_ms / S_MS;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: user,
            iat,
            exp: iat + self.lifetime_s as i64,
            adult,
        };
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing);
        Ok(signed.map_err(TokenError::Sign)?)
    }

    fn verify(&self, token: &str, now_ms: TimestampMs) -> Result<Access> {
        let data = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation)
            .map_err(|_| ProductError::Unauthenticated)?;
        if now_ms / S_MS < data.claims.exp {
            Ok(Access {
                user: data.claims.sub,
                is_adult: data.claims.adult,
                until_ms: data.claims.exp.saturating_mul(S_MS),
            })
        } else {
            Err(ProductError::Unauthenticated)
        }
    }
}

impl Product {
    /// Who an access token speaks for; no store is asked. A token stays good until it expires, also after a logout.
    pub fn access_verify(&self, token: &str) -> Result<UserId> {
        self.access_read(token).map(|access| access.user)
    }

    /// All that an access token says, for whoever remembers the answer.
    pub fn access_read(&self, token: &str) -> Result<Access> {
        self.inner.access.verify(token, self.now_ms())
    }

    /// Exchanges a refresh token for a new session; the old token is spent.
    ///
    /// [`ProductError::RefreshReused`] when it was spent before: then its whole family is revoked.
    pub async fn session_refresh(&self, refresh_token: &str) -> Result<Session> {
        let now_ms = self.now_ms();
        let hash = hash_of(refresh_token);
        let mut tx = self.store().write("session_refresh").await?;
        let stored = tx
            .refresh_token_get(&hash)
            .await?
            .ok_or(ProductError::Unauthenticated)?;
        if stored.revoked_at_ms.is_some() || stored.expires_at_ms <= now_ms {
            return Err(ProductError::Unauthenticated);
        }
        if stored.rotated_at_ms.is_some() {
            tx.refresh_token_revoke_family(stored.family, now_ms).await?;
            tx.commit().await?;
            metrics::counter!("riffle_product_refresh_reuses_total").increment(1);
            tracing::warn!(user = %stored.user, "a spent refresh token came back; its login was ended");
            return Err(ProductError::RefreshReused);
        }
        tx.refresh_token_rotate(&hash, now_ms).await?;
        let refresh_token = self
            .refresh_token_issue(&mut tx, stored.family, stored.user, now_ms)
            .await?;
        tx.commit().await?;
        let account = self
            .store()
            .account_by_id(stored.user)
            .await?
            .ok_or(ProductError::Unauthenticated)?;
        self.session_of(&account, refresh_token, now_ms)
    }

    /// Ends the login that a refresh token belongs to. A token that is not known is no error.
    pub async fn session_logout(&self, refresh_token: &str) -> Result<()> {
        let mut tx = self.store().write("session_logout").await?;
        if let Some(stored) = tx.refresh_token_get(&hash_of(refresh_token)).await? {
            tx.refresh_token_revoke_family(stored.family, self.now_ms())
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Removes expired refresh tokens, a bounded number a call; how many it removed. For a timer.
    pub async fn sessions_purge(&self) -> Result<u64> {
        let mut tx = self.store().write("sessions_purge").await?;
        let removed = tx
            .refresh_token_purge(self.now_ms(), self.inner.limits.tokens_purged_max)
            .await?;
        tx.commit().await?;
        Ok(removed)
    }

    /// Begins a login: a new family of refresh tokens, within the caller's change.
    pub(crate) async fn refresh_family_begin(
        &self,
        tx: &mut Write,
        user: UserId,
        now_ms: TimestampMs,
    ) -> Result<String> {
        let family = self.id_next(now_ms);
        self.refresh_token_issue(tx, family, user, now_ms).await
    }

    async fn refresh_token_issue(
        &self,
        tx: &mut Write,
        family: u64,
        user: UserId,
        now_ms: TimestampMs,
    ) -> Result<String> {
        let mut bytes = [0; REFRESH_TOKEN_BYTES];
        rand::fill(&mut bytes).map_err(|_| TokenError::Randomness)?;
        let token = URL_SAFE_NO_PAD.encode(bytes);
        let expires_at_ms = now_ms + self.inner.limits.refresh_token_s as i64 * S_MS;
        tx.refresh_token_create(&hash_of(&token), family, user, now_ms, expires_at_ms)
            .await?;
        Ok(token)
    }

    pub(crate) fn session_of(
        &self,
        account: &Account,
        refresh_token: String,
        now_ms: TimestampMs,
    ) -> Result<Session> {
        Ok(Session {
            user: account.id,
            username: account.username.clone(),
            display_name: account.display_name.clone(),
            access_token: self
                .inner
                .access
                .sign(account.id, self.is_adult(account), now_ms)?,
            access_expires_in_s: self.inner.access.lifetime_s,
            refresh_token,
            refresh_expires_in_s: self.inner.limits.refresh_token_s,
        })
    }
}

/// What is stored of a refresh token. The token is random, so a plain hash cannot be turned back.
fn hash_of(token: &str) -> TokenHash {
    let mut hash = TokenHash::default();
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    hash
}
