//! A request's body, read in one pass into events that are judged on the way. Who sent it is not known here.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::quick;
use crate::validate::{EVENTS_MAX, Judged, Rejected, WireEvent, code, unreadable};

/// What a device sent: a session, its events, and for a beacon, which has no headers, a token.
#[derive(Debug, PartialEq)]
pub struct Batch<'a> {
    pub session_id: Cow<'a, str>,
    pub access_token: Option<Cow<'a, str>>,
    pub(crate) events: Events,
}

/// Judged events, in their order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Events {
    pub(crate) judged: Vec<Judged>,
    /// How many there were; above the bound they are only counted.
    pub(crate) count: usize,
}

/// The body's shape, whatever reads the events.
#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "E: Deserialize<'de>"))]
struct Body<'a, E> {
    #[serde(borrow)]
    session_id: Cow<'a, str>,
    events: E,
    #[serde(default)]
    access_token: Option<String>,
}

impl<'a> Batch<'a> {
    /// Reads a body. Only one that is no JSON, or has another shape around its events, is refused.
    ///
    /// # Errors
    /// What the JSON reader says.
    pub fn read(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        if let Some(quick) = str::from_utf8(body).ok().and_then(quick::read) {
            return Ok(Self {
                session_id: Cow::Borrowed(quick.session_id),
                access_token: None,
                events: quick.events,
            });
        }
        Self::read_any(body)
    }

    fn read_any(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        if let Ok(body) = serde_json::from_slice::<Body<'a, Events>>(body) {
            return Ok(Self::of(body));
        }
        // An event that is JSON and still cannot be read stops the pass; the slow way finds out which, and spares the others.
        let body: Body<'a, Vec<&'a RawValue>> = serde_json::from_slice(body)?;
        let read = |event: &&RawValue| {
            serde_json::from_str(event.get())
                .map_or_else(|_| Err(unreadable(event.get())), |Event(judged)| judged)
        };
        let events = Events {
            judged: body.events.iter().take(EVENTS_MAX).map(read).collect(),
            count: body.events.len(),
        };
        Ok(Self::of(Body {
            session_id: body.session_id,
            events,
            access_token: body.access_token,
        }))
    }

    fn of(body: Body<'a, Events>) -> Self {
        Self {
            session_id: body.session_id,
            access_token: body.access_token.map(Cow::Owned),
            events: body.events,
        }
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Events;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a list of events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Events, A::Error> {
                let mut events = Events::default();
                while events.count < EVENTS_MAX {
                    let Some(Event(judged)) = items.next_element()? else {
                        return Ok(events);
                    };
                    events.judged.push(judged);
                    events.count += 1;
                }
                while items.next_element::<IgnoredAny>()?.is_some() {
                    events.count += 1;
                }
                Ok(events)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// One event; something that is none at all is judged too.
struct Event(Judged);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyEvent)
    }
}

struct AnyEvent;

/// An answer to what is no event.
fn no_event<E>() -> Result<Event, E> {
    Ok(Event(Err(Rejected {
        seq: None,
        code: code::INVALID_SEQ,
    })))
}

impl<'de> Visitor<'de> for AnyEvent {
    type Value = Event;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Event, A::Error> {
        let event = WireEvent::deserialize(MapAccessDeserializer::new(fields))?;
        Ok(Event(event.judge()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Event, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        no_event()
    }

    fn visit_unit<E>(self) -> Result<Event, E> {
        no_event()
    }

    fn visit_bool<E>(self, _: bool) -> Result<Event, E> {
        no_event()
    }

    fn visit_u64<E>(self, _: u64) -> Result<Event, E> {
        no_event()
    }

    fn visit_i64<E>(self, _: i64) -> Result<Event, E> {
        no_event()
    }

    fn visit_f64<E>(self, _: f64) -> Result<Event, E> {
        no_event()
    }

    fn visit_str<E>(self, _: &str) -> Result<Event, E> {
        no_event()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bodies near what clients send: well-formed pieces, odd pieces, in any order.
    fn bodies() -> impl Strategy<Value = String> {
        let blank = prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t")];
        let value = prop::sample::select(VALUES);
        let name = prop::sample::select(NAMES);
        let field = (name, value, blank)
            .prop_map(|(name, value, blank)| format!("{blank}\"{name}\"{blank}:{blank}{value}{blank}"));
        let event = prop::collection::vec(field, 0..7).prop_map(|fields| format!("{{{}}}", fields.join(",")));
        let any_event = prop_oneof![9 => event, 1 => prop::sample::select(VALUES).prop_map(str::to_owned)];
        let session = prop::sample::select(SESSIONS);
        let tail = prop::sample::select(TAILS);
        (session, prop::collection::vec(any_event, 0..4), tail).prop_map(|(session, events, tail)| {
            format!(
                "{{\"sessionId\":{session},\"events\":[{}]{tail}",
                events.join(",")
            )
        })
    }

    const NAMES: &[&str] = &[
        "seq",
        "seq",
        "atMs",
        "type",
        "type",
        "videoId",
        "videoId",
        "impressionId",
        "watchMs",
        "ended",
        "loops",
        "positionMs",
        "unknown",
        "\\u0073eq",
    ];
    const VALUES: &[&str] = &[
        "1",
        "2",
        "0",
        "007",
        "-1",
        "1.5",
        "1e3",
        "1e999",
        "9007199254740993",
        "1790000000000",
        "99999999999999999999",
        "true",
        "false",
        "tru",
        "null",
        "\"watch\"",
        "\"impression\"",
        "\"heartbeat\"",
        "\"dance\"",
        "\"0000000000009\"",
        "\"no\"",
        "\"\\ud800\"",
        "\"a\\nb\"",
        "\"\u{e9}\"",
        "[1,[2]]",
        "{\"a\":{}}",
        "",
        "\"",
    ];
    const SESSIONS: &[&str] = &[
        "\"s1\"",
        "\"s1\"",
        "\"\"",
        "5",
        "null",
        "\"a\\\"b\"",
        "\"\u{e9}\"",
    ];
    const TAILS: &[&str] = &[
        "}",
        "}",
        "} ",
        ",\"accessToken\":\"t\"}",
        ",\"events\":[]}",
        ",\"x\":1}",
        "",
        "}}",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]

        #[test]
        fn the_quick_way_answers_as_the_reader(body in bodies()) {
            if let Some(quick) = quick::read(&body) {
                let read = Batch::read_any(body.as_bytes()).expect("what reads quickly reads");
                prop_assert_eq!((read.session_id.as_ref(), read.events), (quick.session_id, quick.events), "{}", body);
            }
        }

        #[test]
        fn garbage_is_refused_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Batch::read(&body).is_err());
        }
    }

    #[test]
    fn what_clients_send_goes_the_quick_way() {
        let check = |body: &str, quickly: bool| assert_eq!(quick::read(body).is_some(), quickly, "{body}");
        check(r#"{"sessionId":"s","events":[]}"#, true);
        check(
            r#"{ "events": [{"seq":1,"atMs":1790000000000,"type":"watch","videoId":"0000000000009","impressionId":"0000000000008",
               "watchMs":4200,"positionMs":0,"ended":true,"loops":2}, {"seq": 2}], "sessionId": "s"}"#,
            true,
        );
        check(r#"{"sessionId":"s","events":[{"seq":1.0}]}"#, false);
        check(r#"{"sessionId":"s","events":[],"accessToken":"t"}"#, false);
    }
}
