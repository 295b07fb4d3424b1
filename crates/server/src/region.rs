//! Where a caller seems to be: a trusted proxy's word, else the region of their language. A hint for trends, never a permission.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use types::Region;

use crate::error::ApiError;
use crate::parts::Rooms;

/// Languages of one request that are looked at.
const LANGUAGES_MAX: usize = 8;

/// What proxies and language tags say when they do not know: user-assigned codes of ISO 3166-1.
const UNKNOWN: [&str; 2] = ["XX", "ZZ"];

/// The caller's region, if anything tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place(pub Option<Region>);

impl FromRequestParts<Arc<Rooms>> for Place {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, rooms: &Arc<Rooms>) -> Result<Self, ApiError> {
        let trusted = rooms.parts.region_header.as_ref();
        Ok(Self(region_of(&parts.headers, trusted)))
    }
}

/// `trusted` names a header that only a proxy can have set.
pub(crate) fn region_of(headers: &HeaderMap, trusted: Option<&HeaderName>) -> Option<Region> {
    let text = |name: &HeaderName| headers.get(name)?.to_str().ok();
    trusted
        .and_then(text)
        .and_then(known)
        .or_else(|| text(&header::ACCEPT_LANGUAGE).and_then(of_languages))
}

fn known(code: &str) -> Option<Region> {
    let region = code.trim().parse().ok()?;
    (!UNKNOWN.contains(&code.trim().to_ascii_uppercase().as_str())).then_some(region)
}

/// The first region in an `Accept-Language` header (RFC 9110, 12.5.4); browsers write what is preferred first.
fn of_languages(languages: &str) -> Option<Region> {
    languages
        .split(',')
        .take(LANGUAGES_MAX)
        .find_map(|language| of_tag(language.split(';').next()?.trim()))
}

/// The region subtag of a language tag (RFC 5646): two letters, after the language and perhaps a script, before any extension.
fn of_tag(tag: &str) -> Option<Region> {
    tag.split('-')
        .skip(1)
        .take_while(|subtag| subtag.len() > 1)
        .find_map(known)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_trusted_header_comes_before_the_language() {
        let name = HeaderName::from_static("x-riffle-region");
        let check = |trusted: bool, headers: &[(&HeaderName, &'static str)], expect: Option<&str>| {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| ((*name).clone(), HeaderValue::from_static(value)))
                .collect();
            let region = region_of(&headers, trusted.then_some(&name));
            assert_eq!(
                region.map(|region| region.to_string()).as_deref(),
                expect,
                "{headers:?}"
            );
        };
        let language = &header::ACCEPT_LANGUAGE;
        check(true, &[(&name, "FR"), (language, "pt-BR")], Some("FR"));
        check(true, &[(&name, " fr "), (language, "pt-BR")], Some("FR"));
        check(false, &[(&name, "FR"), (language, "pt-BR")], Some("BR"));
        check(true, &[(&name, "XX"), (language, "pt-BR")], Some("BR"));
        check(true, &[(&name, "T1")], None);
        check(true, &[(language, "pt-BR")], Some("BR"));
        check(false, &[(&name, "FR")], None);
        check(true, &[], None);
    }

    #[test]
    fn language_tags() {
        let check = |languages: &str, expect: Option<&str>| {
            let region = of_languages(languages).map(|region| region.to_string());
            assert_eq!(region.as_deref(), expect, "{languages:?}");
        };
        check("pt-BR", Some("BR"));
        check("pt-br;q=0.9", Some("BR"));
        check("en, fr-CH;q=0.8, de-DE;q=0.7", Some("CH"));
        check("zh-Hant-TW", Some("TW"));
        check("es-419", None);
        check("en-US-u-ca-gregory", Some("US"));
        check("en-x-us", None);
        check("sr-Latn", None);
        check("en-ZZ, de-AT", Some("AT"));
        check("fr", None);
        check("*", None);
        check("", None);
        check("a,b,c,d,e,f,g,h,pt-BR", None);
    }
}
