//! `riffle admin grant|revoke|ls`: the admin role, from the machine that holds the data folder. It opens the metastore and nothing
//! else, so it works beside a running server as well as without one.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use metastore::Metastore;
use product::{Admins, CivilDate, RoleChange, RoleChangeKind, RoleHolder};

use crate::cli::{AdminCommand, AdminOptions};
use crate::error::AppError;
use crate::wire::now_ms;

pub fn run(options: &AdminOptions) -> Result<ExitCode, AppError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(AppError::start("the runtime"))?;
    runtime.block_on(async {
        let store = open(&options.data).await?;
        let said = answer(&Admins::new(store.clone(), Arc::new(now_ms)), &options.command).await;
        store.close().await;
        print!("{}", said?);
        Ok(ExitCode::SUCCESS)
    })
}

/// The metastore of a folder that a server has used; this command makes no new house.
async fn open(data: &Path) -> Result<Metastore, AppError> {
    let file = data.join("riffle.db");
    if !file.is_file() {
        return Err(AppError::Settings {
            what: format!(
                "{} holds no data of a server: name its folder with --data, or start `riffle serve` there first",
                data.display()
            ),
        });
    }
    Metastore::open(&format!("sqlite://{}", file.display()))
        .await
        .map_err(AppError::start("the metastore"))
}

async fn answer(admins: &Admins, command: &AdminCommand) -> Result<String, AppError> {
    let said = match command {
        AdminCommand::Grant { username } => admins
            .grant(username, &caller())
            .await
            .map(|changed| sentence(username, changed, "is an admin now", "was an admin already")),
        AdminCommand::Revoke { username } => admins
            .revoke(username, &caller())
            .await
            .map(|changed| sentence(username, changed, "is no admin any more", "was no admin")),
        AdminCommand::Ls { changes: false } => admins.list().await.map(|holders| listed(&holders)),
        AdminCommand::Ls { changes: true } => admins.changes().await.map(|changes| trail(&changes)),
    };
    Ok(said?)
}

/// Who asks, as the system knows them: the owner of this process.
fn caller() -> String {
    std::fs::metadata("/proc/self").map_or_else(
        |_| "command line".to_owned(),
        |process| format!("command line, uid {}", process.uid()),
    )
}

fn sentence(username: &str, changed: bool, done: &str, nothing: &str) -> String {
    format!("{username} {}\n", if changed { done } else { nothing })
}

fn listed(holders: &[RoleHolder]) -> String {
    if holders.is_empty() {
        return "nobody is an admin; make one: riffle admin grant USERNAME\n".to_owned();
    }
    let mut text = String::new();
    for holder in holders {
        let RoleHolder {
            username,
            granted_at_ms,
            granted_by,
            ..
        } = holder;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{username}\tsince {}\tby {granted_by}", utc(*granted_at_ms));
    }
    text
}

fn trail(changes: &[RoleChange]) -> String {
    let mut text = String::new();
    for change in changes {
        let verb = match change.kind {
            RoleChangeKind::Grant => "granted to",
            RoleChangeKind::Revoke => "taken from",
        };
        let who = change
            .username
            .clone()
            .unwrap_or_else(|| format!("account {} (gone)", change.user));
        let (role, by, at) = (
            change.role.as_str(),
            &change.changed_by,
            utc(change.changed_at_ms),
        );
        let _ = writeln!(text, "{at}\t{role} {verb} {who}\tby {by}");
    }
    text
}

/// `2026-11-21T09:30:00Z`.
fn utc(at_ms: i64) -> String {
    let ms = at_ms.rem_euclid(86_400_000);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", CivilDate::of(at_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        for (at_ms, expect) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_795_253_400_999, "2026-11-21T09:30:00Z"),
            (951_782_399_000, "2000-02-28T23:59:59Z"),
        ] {
            assert_eq!(utc(at_ms), expect);
        }
    }
}
