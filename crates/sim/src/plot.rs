//! Line charts as SVG, just enough for the figures here: axes, ticks, a legend, and a bar for each interval.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 55.0;
/// Readable on white and on black, and told apart by most eyes (Okabe and Ito 2008).
const COLOURS: [&str; 7] = [
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#777777",
];
const TICKS: usize = 5;

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    /// x, y, and half of y's interval; 0 draws no bar.
    pub points: Vec<(f64, f64, f64)>,
}

/// A chart of several lines over one x axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    pub title: String,
    pub x_label: String,
    pub y_label: String,
    /// Where the x axis is marked, and with what; empty marks it evenly with numbers.
    pub x_marks: Vec<(f64, String)>,
    pub series: Vec<Series>,
}

struct Scale {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>, start: f64, end: f64, margin: f64) -> Self {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low < high { (low, high) } else { (0.0, 1.0) };
        let pad = (high - low) * margin;
        Self {
            from: low - pad,
            to: high + pad,
            start,
            end,
        }
    }

    fn at(&self, value: f64) -> f64 {
        self.start + (value - self.from) / (self.to - self.from) * (self.end - self.start)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (from, step) = (self.from, (self.to - self.from) / TICKS as f64);
        (0..=TICKS).map(move |place| from + step * place as f64)
    }
}

impl Chart {
    /// The chart as a document of its own.
    pub fn svg(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let marks = self.x_marks.iter().map(|(x, _)| *x);
        let x = Scale::of(
            points().map(|point| point.0).chain(marks),
            LEFT,
            WIDTH - RIGHT,
            0.02,
        );
        let ends = points().flat_map(|(_, y, half)| [y - half, y + half]);
        let y = Scale::of(ends, HEIGHT - BOTTOM, TOP, 0.05);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
        );
        text(&mut svg, (LEFT, 22.0), "start", &self.title, " font-size=\"15\"");
        self.axes(&mut svg, &x, &y);
        for (place, series) in self.series.iter().enumerate() {
            let colour = COLOURS[place % COLOURS.len()];
            line(&mut svg, series, colour, &x, &y);
            let at = (WIDTH - RIGHT + 14.0, TOP + 18.0 * (place + 1) as f64);
            text(
                &mut svg,
                at,
                "start",
                &series.name,
                &format!(" fill=\"{colour}\""),
            );
        }
        svg + "</svg>\n"
    }

    fn axes(&self, svg: &mut String, x: &Scale, y: &Scale) {
        for tick in y.ticks() {
            let at = y.at(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {at:.1}H{:.1}\" stroke=\"#ddd\"/>",
                WIDTH - RIGHT
            );
            text(svg, (LEFT - 8.0, at + 4.0), "end", &short(tick), "");
        }
        let even = || x.ticks().map(|tick| (tick, short(tick))).collect();
        let marks: Vec<(f64, String)> = if self.x_marks.is_empty() {
            even()
        } else {
            self.x_marks.clone()
        };
        for (value, mark) in marks {
            text(svg, (x.at(value), HEIGHT - BOTTOM + 18.0), "middle", &mark, "");
        }
        text(
            svg,
            ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12.0),
            "middle",
            &self.x_label,
            "",
        );
        text(svg, (LEFT, TOP - 6.0), "middle", &self.y_label, " fill=\"#555\"");
    }
}

fn line(svg: &mut String, series: &Series, colour: &str, x: &Scale, y: &Scale) {
    let mut path = String::new();
    for (px, py, half) in series.points.iter().filter(|point| point.1.is_finite()) {
        let (at_x, at_y) = (x.at(*px), y.at(*py));
        let _ = write!(
            path,
            "{}{at_x:.1} {at_y:.1}",
            if path.is_empty() { 'M' } else { 'L' }
        );
        if *half > 0.0 {
            let (low, high) = (y.at(py - half), y.at(py + half));
            let _ = writeln!(
                svg,
                "<path d=\"M{at_x:.1} {low:.1}V{high:.1}\" stroke=\"{colour}\" opacity=\".45\"/>"
            );
        }
    }
    let _ = writeln!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    );
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, words: &str, more: &str) {
    let words = words
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\"{more}>{words}</text>",
        at.0, at.1
    );
}

fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_draws_within_its_frame_and_says_its_words() {
        let points = vec![(0.0, 0.5, 0.1), (1.0, 0.9, 0.0), (2.0, f64::NAN, 0.0)];
        let chart = Chart {
            title: "a < b".to_owned(),
            x_label: "delay".to_owned(),
            y_label: "share".to_owned(),
            x_marks: vec![(0.0, "0 s".to_owned()), (2.0, "1 d".to_owned())],
            series: vec![Series {
                name: "one".to_owned(),
                points,
            }],
        };
        let svg = chart.svg();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        for words in ["a &lt; b", ">delay<", ">0 s<", ">1 d<", ">one<"] {
            assert!(svg.contains(words), "{words} is missing");
        }
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert_eq!(svg.matches("stroke-width=\"2\"").count(), 1);
    }

    #[test]
    fn an_empty_chart_is_a_chart() {
        let chart = Chart {
            title: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            x_marks: Vec::new(),
            series: Vec::new(),
        };
        assert!(!chart.svg().contains("NaN"));
    }
}
