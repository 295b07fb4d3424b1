//! `riffle openapi`: the API's document, as the server also serves it.

use std::process::ExitCode;

use crate::error::AppError;

pub fn run() -> Result<ExitCode, AppError> {
    print!("{}", server::openapi());
    Ok(ExitCode::SUCCESS)
}
