//! Pictures of the past, in SVG: each says in words what it shows.

use std::fmt::Write;

use maud::{Markup, html};

use crate::http::past::heatmap::{BANDS, COLUMNS, Heatmap};
use crate::http::past::timeline::{Look, PARTS, Timeline};

/// Width and height of a quarter of an hour.
const QUARTER: (usize, usize) = (10, 24);

/// Width and height of a field of the heatmap.
const FIELD: (usize, usize) = (15, 11);

/// Room for the names of the bands.
const MARGIN: usize = 46;

/// Shades of the heatmap.
const SHADES: u64 = 5;

/// A day of a check: what failed stands higher than what passed.
pub fn day(timeline: &Timeline) -> Markup {
    let looks: Vec<_> = timeline.parts.iter().map(|part| part.look()).collect();
    let (width, height) = (QUARTER.0 * PARTS, QUARTER.1);
    html! {
        svg class="day" role="img" aria-label=(timeline.words()) preserveAspectRatio="none"
            viewBox=(format!("0 0 {width} {height}")) {
            @for (look, class, top) in
                [(Look::Good, "good", 14), (Look::Mixed, "mixed", 7), (Look::Bad, "bad", 0), (Look::Unknown, "none", 21)] {
                @let path = runs(&looks, look, top);
                @if !path.is_empty() { path class=(class) d=(path) {} }
            }
        }
    }
}

/// Equal neighbours in one piece.
fn runs(looks: &[Look], wanted: Look, top: usize) -> String {
    let mut path = String::new();
    let mut at = 0;
    for same in looks.chunk_by(|a, b| a == b) {
        if same.first() == Some(&wanted) {
            rectangle(&mut path, (at, top), (same.len() * QUARTER.0, QUARTER.1 - top));
        }
        at += same.len() * QUARTER.0;
    }
    path
}

fn rectangle(path: &mut String, (x, y): (usize, usize), (width, height): (usize, usize)) {
    // Writing to a `String` cannot fail.
    write!(path, "M{x} {y}h{width}v{height}h-{width}z").ok();
}

/// A day of a probe's times; nothing where there were no runs.
pub fn heatmap(map: &Heatmap) -> Option<Markup> {
    let (first, last) = map.used()?;
    let (bands, most) = (last - first + 1, map.most().max(1));
    let (width, height) = (MARGIN + FIELD.0 * COLUMNS, FIELD.1 * bands);
    Some(html! {
        svg role="img" aria-label=(words(map)) viewBox=(format!("0 0 {width} {}", height + 14)) {
            @for shade in 1..=SHADES {
                @let path = fields(map, (first, last), |runs| shade_of(runs, most) == shade);
                @if !path.is_empty() { path class=(format!("h{shade}")) d=(path) {} }
            }
            @for band in first..=last {
                @let y = (last - band + 1) * FIELD.1 - 2;
                text x="0" y=(y) { "≤ " (time(BANDS.get(band).copied().unwrap_or(0))) }
            }
            @for column in (0..COLUMNS).step_by(8) {
                @let at = map.columns.get(column).map_or(map.from, |column| column.at);
                text x=(MARGIN + column * FIELD.0) y=(height + 11) { (at.strftime("%H:%M").to_string()) }
            }
        }
    })
}

/// Fields of one shade; neighbours in one piece.
fn fields(map: &Heatmap, (first, last): (usize, usize), of: impl Fn(u64) -> bool) -> String {
    let mut path = String::new();
    for band in first..=last {
        let runs = |column: usize| {
            map.columns.get(column).and_then(|column| column.runs.get(band)).copied().unwrap_or(0)
        };
        let marked: Vec<_> = (0..COLUMNS).map(|column| of(runs(column))).collect();
        let mut at = MARGIN;
        for same in marked.chunk_by(|a, b| a == b) {
            let width = same.len() * FIELD.0;
            if same.first() == Some(&true) {
                rectangle(&mut path, (at, (last - band) * FIELD.1), (width, FIELD.1));
            }
            at += width;
        }
    }
    path
}

/// From 1 for few runs to 5 for as many as there are anywhere; 0 for none.
fn shade_of(runs: u64, most: u64) -> u64 {
    runs.saturating_mul(SHADES).div_ceil(most).min(SHADES)
}

fn words(map: &Heatmap) -> String {
    let runs: u64 = map.columns.iter().flat_map(|column| &column.runs).sum();
    let worst = map
        .columns
        .iter()
        .filter_map(|column| Some((column.p95?, column.at)))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let slowest = worst.map_or(String::new(), |(p95, at)| {
        let (p95, at) = (time((p95 * 1e6) as u64), at.strftime("%H:%M UTC"));
        format!("; slowest in the half hour from {at}, where 95 % took {p95} or less")
    });
    format!("times of {runs} runs in 24 hours{slowest}")
}

/// `500 µs`, `20 ms`, `2 s`.
pub fn time(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 if !micros.is_multiple_of(1_000) => format!("{:.1} ms", micros as f64 / 1e3),
        1_000..1_000_000 => format!("{} ms", micros / 1_000),
        _ if micros.is_multiple_of(1_000_000) => format!("{} s", micros / 1_000_000),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// A share of a whole, from 0 to 1.
pub fn bar(share: f64, late: bool, words: &str) -> Markup {
    let width = (share.clamp(0.0, 1.0) * 100.0).round() as usize;
    let mut path = String::new();
    rectangle(&mut path, (0, 0), (width, 10));
    html! {
        svg class="bar" role="img" aria-label=(words) viewBox="0 0 100 10" preserveAspectRatio="none" {
            path class=(if late { "late" } else { "left" }) d=(path) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (micros, text) in [
            (500, "500 µs"),
            (1_000, "1 ms"),
            (1_250, "1.2 ms"),
            (20_000, "20 ms"),
            (2_000_000, "2 s"),
            (2_500_000, "2.5 s"),
        ] {
            assert_eq!(time(micros), text);
        }
    }

    #[test]
    fn neighbours_are_one_piece() {
        use Look::{Bad, Good, Nothing};
        let looks = [Good, Good, Bad, Nothing, Bad, Bad];
        assert_eq!(runs(&looks, Good, 14), "M0 14h20v10h-20z");
        assert_eq!(runs(&looks, Bad, 0), "M20 0h10v24h-10zM40 0h20v24h-20z");
        assert_eq!(shade_of(0, 9), 0);
        assert_eq!((shade_of(1, 90), shade_of(90, 90), shade_of(1, 1)), (1, 5, 5));
    }
}
