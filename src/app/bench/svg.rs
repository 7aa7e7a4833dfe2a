//! A chart as SVG: small, without scripts or fonts of its own, legible on light and dark pages.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 110.0;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 56.0;

/// Colours of the curves: told apart on white and on black, also by those who do not see red and green (Okabe and Ito).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// An axis: what it measures, and where its marks are with their words.
pub struct Axis {
    /// What and in which unit.
    pub title: String,
    /// Whether ten times as much is always as far.
    pub logarithmic: bool,
    /// Marks: place and word. The first and the last are its ends.
    pub marks: Vec<(f64, String)>,
}

impl Axis {
    fn share(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.logarithmic { value.max(f64::MIN_POSITIVE).log10() } else { value };
        let ends = self.marks.first().zip(self.marks.last()).map(|(first, last)| (scale(first.0), scale(last.0)));
        let (from, to) = ends.unwrap_or((0.0, 1.0));
        if to == from { 0.0 } else { ((scale(value) - from) / (to - from)).clamp(0.0, 1.0) }
    }

    fn across(&self, value: f64) -> f64 {
        LEFT + self.share(value) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.share(value) * (HEIGHT - TOP - BOTTOM)
    }
}

/// A curve and its name.
pub struct Curve {
    /// What it shows.
    pub name: String,
    /// Its points.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
pub struct Chart {
    /// What it shows, in a line.
    pub title: String,
    /// From left to right.
    pub x: Axis,
    /// From the bottom up.
    pub y: Axis,
    /// The curves, four at most told apart by colour.
    pub curves: Vec<Curve>,
    /// Places on the x axis that are marked by a dashed line, with a word.
    pub marked: Vec<(f64, String)>,
}

impl Chart {
    /// The chart as a file.
    pub fn render(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n<title>{}</title>\n\
             <style>.ink{{fill:#1c2330}}.line{{stroke:#8a93a3}}.grid{{stroke:#d6dbe3}}.page{{fill:#ffffff}}\
             @media (prefers-color-scheme:dark){{.ink{{fill:#e4e8ef}}.line{{stroke:#8a93a3}}.grid{{stroke:#39414f}}\
             .page{{fill:#12161d}}}}</style>\n",
            escape(&self.title)
        );
        // Writing to a text never fails.
        let _ = writeln!(svg, "<rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"8\"/>");
        let _ = writeln!(svg, "<text class=\"ink\" x=\"{LEFT}\" y=\"26\" font-size=\"15\">{}</text>", escape(&self.title));
        self.axes(&mut svg);
        for (at, word) in &self.marked {
            let x = self.x.across(*at);
            let (top, bottom) = (TOP, HEIGHT - BOTTOM);
            let _ = writeln!(
                svg,
                "<line class=\"line\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\" stroke-dasharray=\"5 4\"/>\
                 <text class=\"ink\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                x - 5.0,
                TOP + 14.0,
                escape(word)
            );
        }
        self.curves.iter().zip(COLOURS.iter().cycle()).for_each(|(curve, colour)| self.curve(&mut svg, curve, colour));
        self.names(&mut svg);
        svg + "</svg>\n"
    }

    fn axes(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (at, word) in &self.x.marks {
            let (x, y) = (self.x.across(*at), bottom + 18.0);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
                 <text class=\"ink\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>",
                escape(word)
            );
        }
        for (at, word) in &self.y.marks {
            let (x, y) = (LEFT - 8.0, self.y.up(*at));
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"ink\" x=\"{x}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                y + 4.0,
                escape(word)
            );
        }
        let middle = (LEFT + right) / 2.0;
        let _ = writeln!(
            svg,
            "<text class=\"ink\" x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>\
             <text class=\"ink\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            HEIGHT - 14.0,
            escape(&self.x.title),
            LEFT - 8.0,
            TOP - 12.0,
            escape(&self.y.title)
        );
    }

    fn curve(&self, svg: &mut String, curve: &Curve, colour: &str) {
        let points: Vec<(f64, f64)> = curve.points.iter().map(|(x, y)| (self.x.across(*x), self.y.up(*y))).collect();
        let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\" points=\"{}\"/>",
            line.join(" ")
        );
        for (x, y) in points {
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>");
        }
    }

    /// The names of the curves beside their ends, apart from each other.
    fn names(&self, svg: &mut String) {
        let ends = self.curves.iter().zip(COLOURS.iter().cycle());
        let mut ends: Vec<_> =
            ends.filter_map(|(curve, colour)| Some((self.y.up(curve.points.last()?.1), &curve.name, colour))).collect();
        ends.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut lowest = f64::MIN;
        for (y, name, colour) in ends {
            let y = (y + 4.0).max(lowest + 16.0);
            lowest = y;
            let x = WIDTH - RIGHT + 10.0;
            let _ = writeln!(
                svg,
                "<circle cx=\"{x}\" cy=\"{:.1}\" r=\"4\" fill=\"{colour}\"/>\
                 <text class=\"ink\" x=\"{}\" y=\"{y:.1}\">{}</text>",
                y - 4.0,
                x + 9.0,
                escape(name)
            );
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Marks at powers of ten that hold all of `values` between them.
pub fn decades(values: impl Iterator<Item = f64>) -> Vec<(f64, String)> {
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    for value in values.filter(|value| *value > 0.0 && value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high {
        (low, high) = (1.0, 10.0);
    }
    let (from, to) = (low.log10().floor(), high.log10().ceil());
    let to = if to > from { to } else { from + 1.0 };
    let steps = std::iter::successors(Some(from), |step| Some(step + 1.0)).take_while(|step| *step <= to);
    steps.map(|step| 10_f64.powf(step)).map(|value| (value, format!("{value}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        let curve = |name: &str, points: &[(f64, f64)]| Curve { name: name.to_owned(), points: points.to_vec() };
        Chart {
            title: "a < b & c".to_owned(),
            x: Axis {
                title: "per second".to_owned(),
                logarithmic: false,
                marks: vec![(0.0, "0".into()), (100.0, "100".into())],
            },
            y: Axis { title: "ms".to_owned(), logarithmic: true, marks: decades([0.5, 80.0].into_iter()) },
            curves: vec![curve("p50", &[(0.0, 1.0), (100.0, 10.0)]), curve("p99", &[(0.0, 5.0), (100.0, 10.0)])],
            marked: vec![(50.0, "missed".to_owned())],
        }
    }

    #[test]
    fn points_stand_where_their_values_are() {
        let svg = chart().render();
        // Of the decades 0.1, 1, 10, 100 the value 1 is a third of the way up, and 10 two thirds.
        let third = (HEIGHT - TOP - BOTTOM) / 3.0;
        let expected = format!("points=\"70.0,{:.1} 610.0,{:.1}\"", HEIGHT - BOTTOM - third, HEIGHT - BOTTOM - 2.0 * third);
        assert!(svg.contains(&expected), "{expected} in {svg}");
        assert!(svg.contains("x1=\"340.0\" x2=\"340.0\""), "the marked place is in the middle");
    }

    #[test]
    fn a_chart_is_well_formed_and_no_name_covers_another() {
        let svg = chart().render();
        assert!(svg.contains("<title>a &lt; b &amp; c</title>"));
        let tags = |open: bool| {
            let inner = svg.split('<').skip(1).filter_map(|tag| tag.split_once('>').map(|(tag, _)| tag));
            inner.filter(|tag| !tag.ends_with('/') && tag.starts_with('/') != open).count()
        };
        assert_eq!(tags(true), tags(false), "every element that is opened is closed: {svg}");
        assert_eq!(svg.matches('"').count() % 2, 0);
        let name_of = |name: &str| {
            let (before, _) = svg.rsplit_once(&format!(">{name}</text>")).unwrap();
            let (_, y) = before.rsplit_once("y=\"").unwrap();
            y.trim_end_matches('"').parse::<f64>().unwrap()
        };
        assert!((name_of("p50") - name_of("p99")).abs() >= 16.0);
    }

    #[test]
    fn marks_hold_every_value() {
        let of = |values: &[f64]| decades(values.iter().copied()).into_iter().map(|mark| mark.1).collect::<Vec<_>>();
        assert_eq!(of(&[0.5, 80.0]), ["0.1", "1", "10", "100"]);
        assert_eq!(of(&[10.0]), ["10", "100"]);
        assert_eq!(of(&[0.0, f64::NAN]), ["1", "10"]);
    }
}
