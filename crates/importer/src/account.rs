//! The creator's account: made on the first import, found again through its secret on later ones.
//!
//! The password is random and lives only in `<data>/creators/NAME.secret`, readable by its owner alone. Whoever wants
//! to sign in as the creator in a browser reads it there.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use api::{LoginRequest, RegisterRequest, Session};
use types::Username;

use crate::ImportError;
use crate::client::Client;

const PASSWORD_BYTES: usize = 24;
/// Imported accounts belong to grown people; the date says no more than that.
const BIRTH_DATE: &str = "1990-01-01";

/// A creator who can sign in, now and when the access token has expired.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: String,
    password: String,
    secret: PathBuf,
}

impl Account {
    /// Signs in as `name`, opening the account when this data folder has no secret for it.
    pub(crate) fn open(
        client: &Client,
        data: &Path,
        name: &str,
        display_name: &str,
    ) -> Result<Self, ImportError> {
        let username = Username::parse(name);
        let name = username
            .map_err(|source| ImportError::Username {
                name: name.to_owned(),
                source,
            })?
            .to_string();
        let secret = data.join("creators").join(format!("{name}.secret"));
        if let Ok(password) = fs::read_to_string(&secret) {
            let account = Self {
                name,
                password: password.trim().to_owned(),
                secret,
            };
            account.sign_in(client)?;
            return Ok(account);
        }
        let account = Self {
            name,
            password: password_new()?,
            secret,
        };
        account.register(client, display_name)?;
        Ok(account)
    }

    /// Fetches a fresh access token.
    pub(crate) fn sign_in(&self, client: &Client) -> Result<(), ImportError> {
        let request = LoginRequest {
            username: self.name.clone(),
            password: self.password.clone(),
            cookie_session: false,
        };
        let session: Session = client
            .post("/api/v1/auth/login", &request)
            .map_err(|error| match error {
                ImportError::Refused { status: 401, .. } => ImportError::SecretWrong {
                    name: self.name.clone(),
                    secret: self.secret.clone(),
                },
                other => other,
            })?;
        client.token_set(session.access_token);
        Ok(())
    }

    /// The secret is stored first: an account without its password would be lost.
    fn register(&self, client: &Client, display_name: &str) -> Result<(), ImportError> {
        self.secret_store()?;
        let request = RegisterRequest {
            username: self.name.clone(),
            password: self.password.clone(),
            birth_date: BIRTH_DATE.to_owned(),
            display_name: Some(display_name.to_owned()),
            cookie_session: false,
        };
        let session: Session = client
            .post("/api/v1/auth/register", &request)
            .map_err(|error| self.not_registered(error))?;
        client.token_set(session.access_token);
        Ok(())
    }

    fn not_registered(&self, error: ImportError) -> ImportError {
        match error {
            ImportError::Refused { status: 409, .. } => {
                // The secret is of no account; if it cannot be removed, the next run says so when it signs in.
                let _ = fs::remove_file(&self.secret);
                ImportError::NameTaken {
                    name: self.name.clone(),
                    secret: self.secret.clone(),
                }
            }
            other => other,
        }
    }

    fn secret_store(&self) -> Result<(), ImportError> {
        let folder = self.secret.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(ImportError::file(folder))?;
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.secret);
        let mut file = file.map_err(ImportError::file(&self.secret))?;
        writeln!(file, "{}", self.password)
            .and_then(|()| file.sync_all())
            .map_err(ImportError::file(&self.secret))
    }
}

/// 192 bits from the kernel, in hexadecimal.
fn password_new() -> Result<String, ImportError> {
    const SOURCE: &str = "/dev/urandom";
    let mut bytes = [0_u8; PASSWORD_BYTES];
    File::open(SOURCE)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(ImportError::file(SOURCE))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
