//! `riffle demo`.

use std::process::ExitCode;

use crate::cli::DemoOptions;
use crate::error::AppError;

pub fn run(options: &DemoOptions) -> Result<ExitCode, AppError> {
    let summary = importer::demo(&importer::DemoOptions {
        server: options.server.clone(),
        data: options.data.clone(),
    })?;
    println!("{summary}");
    Ok(ExitCode::from(summary.exit_code()))
}
