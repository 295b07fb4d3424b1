//! The rule for usernames. It does not know which are taken.

use std::fmt;

const LENGTH_MIN: usize = 3;
const LENGTH_MAX: usize = 24;

/// A valid username: 3 to 24 of `a-z`, `0-9`, `_`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Username(String);

/// Why a text is not a username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    #[error("a username has {LENGTH_MIN} to {LENGTH_MAX} characters")]
    Length,
    #[error("a username has only letters a-z, digits and underscores")]
    Characters,
}

impl Username {
    /// Folds case, then checks length and characters.
    pub fn parse(text: &str) -> Result<Self, UsernameError> {
        let folded = text.trim().to_ascii_lowercase();
        if !folded
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        {
            return Err(UsernameError::Characters);
        }
        if !(LENGTH_MIN..=LENGTH_MAX).contains(&folded.len()) {
            return Err(UsernameError::Length);
        }
        Ok(Self(folded))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        let check = |text: &str, expect: Result<&str, UsernameError>| {
            assert_eq!(
                Username::parse(text).as_ref().map(Username::as_str),
                expect.as_ref().copied(),
                "{text:?}"
            );
        };
        check("mina_creates", Ok("mina_creates"));
        check(" Mina ", Ok("mina"));
        check("ab", Err(UsernameError::Length));
        check("abcdefghijklmnopqrstuvwxy", Err(UsernameError::Length));
        check("mi na", Err(UsernameError::Characters));
        check("минa", Err(UsernameError::Characters));
        check("", Err(UsernameError::Length));
    }
}
