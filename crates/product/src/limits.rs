//! Every bound of the room, in one place, each with its reason.

/// The bounds of the product room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductLimits {
    /// Shorter passwords fall to guessing at the rate the door allows.
    pub password_chars_min: usize,
    /// Longer ones only cost hashing time.
    pub password_chars_max: usize,
    /// The youngest person the service is for.
    pub age_years_min: i32,
    /// From then on somebody is of age, and sees what is for adults.
    pub adult_years_min: i32,
    /// Fits one line of a card.
    pub display_name_chars_max: usize,
    /// Fits a profile's head.
    pub bio_chars_max: usize,
    /// A comment is a remark, not a page.
    pub comment_chars_max: usize,
    /// Words a reporter may add.
    pub report_chars_max: usize,
    /// An access token cannot be taken back, so it does not live long.
    pub access_token_s: u64,
    /// Who stays away this long logs in again.
    pub refresh_token_s: u64,
    /// Items of a page when the caller does not say.
    pub page_count_default: u32,
    /// Items of a page at most.
    pub page_count_max: u32,
    /// Followees that one call returns.
    pub followees_max: u32,
    /// Password hashes at once: each takes 19 MiB and a core.
    pub hashes_running_max: usize,
    /// Password hashes that wait for a core; the next caller is told to come back.
    pub hashes_waiting_max: usize,
    /// Tries to remove a deleted video's files before a person has to look.
    pub purge_attempts_max: u32,
    /// Expired refresh tokens removed in one transaction.
    pub tokens_purged_max: u32,
}

impl Default for ProductLimits {
    fn default() -> Self {
        Self {
            password_chars_min: 10,
            password_chars_max: 128,
            age_years_min: 13,
            adult_years_min: 18,
            display_name_chars_max: 50,
            bio_chars_max: 160,
            comment_chars_max: 500,
            report_chars_max: 500,
            access_token_s: 15 * 60,
            refresh_token_s: 30 * 24 * 3600,
            page_count_default: 20,
            page_count_max: 50,
            followees_max: 5_000,
            hashes_running_max: 2,
            hashes_waiting_max: 64,
            purge_attempts_max: 20,
            tokens_purged_max: 1_000,
        }
    }
}
