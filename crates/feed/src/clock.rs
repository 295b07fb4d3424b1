//! A viewer's own clock, from where they seem to be: hour of the day and day of the week. Good to an hour or two, which is all that features
//! of a daily rhythm ask. It knows no summer time, and of a country with several zones the one where most of its people live.

use types::{Region, TimestampMs};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Minutes east of UTC in standard time, and the regions (ISO 3166-1) that keep it.
const OFFSETS: [(i64, &str); 29] = [
    (-600, "CK PF"),
    (-480, "PN"),
    (-360, "BZ CR GT HN MX NI SV US"),
    (-300, "CO CU EC HT JM KY PA PE CA"),
    (-240, "BB BO CL DO GD GY PR TT VE"),
    (-180, "AR BR PY SR UY FK"),
    (-120, "GL"),
    (-60, "CV"),
    (0, "BF CI FO GB GH GM GN GW IE IS LR ML MR PT SL SN TG"),
    (
        60,
        "AD AL AO AT BA BE BJ CD CF CG CH CM CZ DE DK DZ ES FR GA GQ HR HU IT LI LU MA MC ME MK MT NE NG NL NO PL RS SE SI SK SM TD TN VA XK",
    ),
    (
        120,
        "BG BI BW CY EE EG FI GR IL LB LS LT LV LY MD MW MZ NA PS RO RW SD SS SZ UA ZA ZM ZW",
    ),
    (180, "BH BY DJ ER ET IQ JO KE KM KW MG QA RU SA SO SY TR TZ UG YE"),
    (210, "IR"),
    (240, "AE AM AZ GE MU OM RE SC"),
    (270, "AF"),
    (300, "KZ MV PK TJ TM UZ"),
    (330, "IN LK"),
    (345, "NP"),
    (360, "BD BT KG"),
    (390, "MM"),
    (420, "ID KH LA TH VN"),
    (480, "BN CN HK MN MO MY PH SG TW"),
    (540, "JP KP KR PW TL"),
    (600, "AU GU PG"),
    (660, "NC SB VU"),
    (720, "FJ NZ KI"),
    (765, "WS"),
    (780, "TO"),
    (-660, "AS"),
];

/// Hour (0 to 23) and day of the week (0 is Monday) on the clock of a region; of UTC where it is not known.
pub(crate) fn local(now_ms: TimestampMs, region: Option<Region>) -> (u8, u8) {
    let offset_ms = region.map_or(0, offset_min) * MINUTE_MS;
    let local_ms = now_ms.saturating_add(offset_ms);
    let hour = local_ms.rem_euclid(DAY_MS) / HOUR_MS;
    // 1970-01-01 was a Thursday.
    let weekday = (local_ms.div_euclid(DAY_MS) + 3).rem_euclid(7);
    (hour as u8, weekday as u8)
}

/// 0 for a region that is not in the table.
fn offset_min(region: Region) -> i64 {
    let code = region.bytes();
    let of = |regions: &str| regions.as_bytes().chunks(3).any(|one| one.starts_with(&code));
    OFFSETS
        .iter()
        .find(|(_, regions)| of(regions))
        .map_or(0, |(offset, _)| *offset)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// 2026-11-21T22:30:00Z, a Saturday.
    const SATURDAY_MS: TimestampMs = 1_795_300_200_000;

    #[test]
    fn the_day_turns_where_the_viewer_is() {
        for (region, hour, weekday) in [
            (None, 22, 5),
            (Some("GB"), 22, 5),
            (Some("BR"), 19, 5),
            (Some("DE"), 23, 5),
            (Some("IN"), 4, 6),
            (Some("JP"), 7, 6),
            (Some("MX"), 16, 5),
            (Some("NZ"), 10, 6),
            (Some("ZZ"), 22, 5),
        ] {
            let at = region.map(|code: &str| code.parse().expect("a region"));
            assert_eq!(local(SATURDAY_MS, at), (hour, weekday), "{region:?}");
        }
        assert_eq!(local(-1, None), (23, 2), "before 1970 too");
    }

    #[test]
    fn every_region_stands_once_and_no_offset_is_out_of_this_world() {
        let mut seen = HashSet::new();
        for (offset, regions) in OFFSETS {
            assert!((-720..=840).contains(&offset));
            for region in regions.split(' ') {
                assert!(region.parse::<Region>().is_ok(), "{region}");
                assert!(seen.insert(region), "{region} twice");
            }
        }
    }
}
