//! Swipe to motion in a real browser: fills a server with the demo clips and lets the browser script measure.

use std::process::Command;

use testkit::{Server, Value};

use crate::figures::Figures;
use crate::{BenchError, Setup};

const LADDER_SECONDS_MAX: u64 = 900;
/// The most a feed page holds; the demo has fewer.
const VIDEOS_MAX: usize = 50;
const SCRIPT: &str = "e2e/bench/playback.mjs";

pub(crate) fn run(setup: &Setup, figures: &mut Figures) -> Result<(), BenchError> {
    let server = Server::start(&setup.riffle);
    let mut demo = Command::new(&setup.riffle);
    demo.args(["demo", "--server", &server.url(), "--data"])
        .arg(server.data());
    let filled = demo.status().map_err(BenchError::io("starting riffle demo"))?;
    if !filled.success() {
        return Err(BenchError::Playback(
            "riffle demo did not fill the server".to_owned(),
        ));
    }
    // Encoders still at work would be measured instead of the player.
    testkit::until("every ladder is complete", LADDER_SECONDS_MAX, || {
        let page = server.anon().feed(VIDEOS_MAX, None);
        let items = page["items"].as_array()?;
        let complete = |item: &Value| item["video"]["progress"].as_f64() >= Some(1.0);
        items.iter().all(complete).then_some(())
    });
    let folder = tempfile::tempdir().map_err(BenchError::io("making a folder"))?;
    let answer = folder.path().join("figures.json");
    let mut script = Command::new("node");
    script
        .arg(setup.root.join(SCRIPT))
        .arg(server.url())
        .arg("--json")
        .arg(&answer);
    let output = script.output().map_err(BenchError::io("starting node"))?;
    if !output.status.success() {
        let (printed, said) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        return Err(BenchError::Playback(format!("{printed}{said}")));
    }
    let text = std::fs::read_to_string(&answer).map_err(BenchError::io("reading the browser's figures"))?;
    let object: Value =
        serde_json::from_str(&text).map_err(|error| BenchError::Playback(format!("{error}: {text}")))?;
    for (name, value) in object.as_object().into_iter().flatten() {
        if let Some(value) = value.as_f64() {
            figures.add(name, value);
        }
    }
    Ok(())
}
