//! The delay curve as a picture: a small SVG, written by hand, the same bytes for the same curve.

use std::fmt::Write;

use super::Curve;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// Intervals of the measure's axis.
const STEPS: u8 = 4;
/// Colours that people with colour-blindness tell apart (Okabe, Ito 2008).
const COLOURS: [&str; 2] = ["#0072b2", "#d55e00"];

impl Curve {
    /// The curve as an SVG document: area under the curve by delay, one line for late weights, one for late weights and counters.
    pub fn svg(&self) -> String {
        let lines = [
            (
                "weights late",
                self.points
                    .iter()
                    .map(|point| point.weights_auc)
                    .collect::<Vec<_>>(),
            ),
            (
                "weights and counters late",
                self.points.iter().map(|point| point.all_auc).collect(),
            ),
        ];
        let values = || lines.iter().flat_map(|(_, line)| line.iter().flatten().copied());
        let (low, high) = (
            values().fold(f64::MAX, f64::min),
            values().fold(f64::MIN, f64::max),
        );
        let margin = ((high - low) * 0.1).max(1e-4);
        let (low, high) = (low - margin, high + margin);
        let last = self.points.len().saturating_sub(1).max(1) as f64;
        let x = |at: usize| LEFT + (WIDTH - LEFT - RIGHT) * at as f64 / last;
        let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
        );
        self.axes(&mut out, (low, high), x);
        let mut line = |text: String| {
            out.push_str(&text);
            out.push('\n');
        };
        for (at, ((name, values), colour)) in lines.iter().zip(COLOURS).enumerate() {
            let mut path = String::new();
            for (at, value) in values
                .iter()
                .enumerate()
                .filter_map(|(at, value)| Some((at, (*value)?)))
            {
                let pen = if path.is_empty() { 'M' } else { 'L' };
                // Writing to a string does not fail.
                let _ = write!(path, "{pen}{:.1} {:.1}", x(at), y(value));
            }
            line(format!(
                "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
            ));
            let (x, y) = (LEFT + 220.0 * at as f64, TOP - 16.0);
            line(format!(
                "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{name}</text>"
            ));
        }
        out.push_str("</svg>\n");
        out
    }

    /// The delays below, the measure at the left, a line for each of its steps.
    fn axes(&self, out: &mut String, (low, high): (f64, f64), x: impl Fn(usize) -> f64) {
        for (at, point) in self.points.iter().enumerate() {
            let (x, y) = (x(at), HEIGHT - BOTTOM + 20.0);
            let name = delay(point.delay_s);
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{name}</text>"
            );
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        let below = HEIGHT - 8.0;
        let _ = writeln!(
            out,
            "<text x=\"{middle:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">delay between an event and what serves</text>"
        );
        for step in 0..=STEPS {
            let share = f64::from(step) / f64::from(STEPS);
            let value = low + (high - low) * share;
            let y = TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - share);
            let (to, name, beside) = (WIDTH - RIGHT, LEFT - 8.0, y + 4.0);
            let _ = writeln!(out, "<path d=\"M{LEFT} {y:.1}H{to}\" stroke=\"#dddddd\"/>");
            let _ = writeln!(
                out,
                "<text x=\"{name:.1}\" y=\"{beside:.1}\" text-anchor=\"end\">{value:.4}</text>"
            );
        }
    }
}

/// A delay in its largest whole unit.
fn delay(seconds: f64) -> String {
    let units = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s")];
    let unit = units
        .into_iter()
        .find(|(size, _)| seconds >= *size && seconds % size == 0.0);
    let (size, name) = unit.unwrap_or((1.0, "s"));
    format!("{} {name}", seconds / size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prequential::{CurvePoint, Label};

    #[test]
    fn every_delay_is_named_and_missing_points_are_left_out() {
        let point = |delay_s, auc| CurvePoint {
            delay_s,
            weights_auc: auc,
            weights_logloss: None,
            all_auc: Some(0.7),
            all_logloss: None,
        };
        let points = vec![
            point(0.0, Some(0.75)),
            point(60.0, None),
            point(18_000.0, Some(0.74)),
            point(86_400.0, Some(0.73)),
        ];
        let curve = Curve {
            protocol: "delay_curve",
            label: Label::LongView,
            seed: 1,
            points,
            wall_s: 0.0,
        };
        let svg = curve.svg();
        for name in ["0 s", "1 min", "5 h", "1 d", "weights late"] {
            assert!(svg.contains(&format!(">{name}<")), "{name} in {svg}");
        }
        assert!(!svg.contains("NaN") && svg.ends_with("</svg>\n"));
        assert_eq!(svg, curve.svg());
    }
}
