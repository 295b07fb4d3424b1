//! `riffle import FOLDER --creator NAME`.

use std::process::ExitCode;

use crate::cli::ImportOptions;
use crate::error::AppError;

pub fn run(options: &ImportOptions) -> Result<ExitCode, AppError> {
    let summary = importer::import(&importer::ImportOptions {
        folder: options.folder.clone(),
        creator: options.creator.clone(),
        server: options.server.clone(),
        data: options.data.clone(),
    })?;
    println!("{summary}");
    Ok(ExitCode::from(summary.exit_code()))
}
