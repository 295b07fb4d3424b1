//! How a part is broken on purpose, to see that the rest goes on without it. It does not break anything: each part that can be broken looks
//! for itself.

/// What a broken part does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It says that it cannot do its work.
    Error,
    /// It panics.
    Panic,
    /// It never answers.
    Hang,
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Error, Self::Panic, Self::Hang];

    /// As written and as sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Hang => "hang",
        }
    }

    /// None for any other word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.as_str() == text)
    }
}
