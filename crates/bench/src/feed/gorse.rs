//! Gorse beside us.
use super::{Load, generate::Corpus};
use crate::figures::Figures;
use crate::{BenchError, Setup};
pub(super) fn run(_: &Setup, _: &Corpus, _: &Load, _: &mut Figures) -> Result<(), BenchError> {
    Ok(())
}
