//! Flink beside us. (placeholder)
use super::Run;
use crate::figures::Figures;
use crate::{BenchError, Setup};
use std::path::Path;
pub(crate) fn run(_: &Setup, _: &Path, _: Option<&Run>, _: &mut Figures) -> Result<(), BenchError> {
    Ok(())
}
