//! How likely counts are where each comes by itself, at a steady rate: the Poisson distribution.

/// Terms behind which a tail is too small to matter.
const NEGLIGIBLE: f64 = 1e-18;

/// The chance of `count` or more where `mean` are expected.
pub fn at_least(count: u32, mean: f64) -> f64 {
    if count == 0 {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    // By logarithms, so that no factorial and no power leaves the range of numbers.
    let ln_term = |k: f64, ln_factorial: f64| k * mean.ln() - mean - ln_factorial;
    let ln_factorial: f64 = (1..=count).map(|k| f64::from(k).ln()).sum();
    if f64::from(count) > mean {
        // From the first term on, each is smaller than the one before.
        let mut term = ln_term(f64::from(count), ln_factorial).exp();
        let (mut sum, mut k) = (0.0, f64::from(count));
        while term > sum * NEGLIGIBLE && term > 0.0 {
            sum += term;
            k += 1.0;
            term *= mean / k;
        }
        sum.min(1.0)
    } else {
        // Downwards from the last term below, each smaller than the one before.
        let below = f64::from(count - 1);
        let mut term = ln_term(below, ln_factorial - f64::from(count).ln()).exp();
        let (mut sum, mut k) = (0.0, below);
        while term > sum * NEGLIGIBLE && term > 0.0 {
            sum += term;
            term *= k / mean;
            k -= 1.0;
        }
        (1.0 - sum).clamp(0.0, 1.0)
    }
}

/// The chance of none where `mean` are expected.
pub fn none(mean: f64) -> f64 {
    (-mean.max(0.0)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_r() {
        // ppois(count - 1, mean, lower.tail = FALSE) of R, which are scipy's poisson.sf too.
        for (count, mean, expected) in TAILS {
            let p = at_least(count, mean);
            let off = (p - expected).abs() / expected;
            assert!(off < 1e-9, "{count} of {mean}: {p:e}, not {expected:e}");
        }
    }

    #[test]
    fn the_ends_are_whole_numbers() {
        assert_eq!(at_least(0, 0.0), 1.0);
        assert_eq!(at_least(1, 0.0), 0.0);
        assert_eq!(at_least(5, -1.0), 0.0);
        assert_eq!(none(0.0), 1.0);
        assert!((none(6.907_755_278_982_137) - 0.001).abs() < 1e-15);
        assert!(at_least(1_000_000, 10.0) < 1e-300);
        assert!(at_least(10, 1e6) > 1.0 - 1e-12);
    }

    #[test]
    fn more_is_less_likely_and_a_higher_mean_makes_it_likelier() {
        for tenths in 1..400_u32 {
            let mean = f64::from(tenths) / 10.0;
            for count in 0..60 {
                assert!(at_least(count + 1, mean) <= at_least(count, mean), "{count} {mean}");
                assert!(at_least(count, mean) <= at_least(count, mean + 0.1) + 1e-12);
            }
        }
    }
    const TAILS: [(u32, f64, f64); 14] = [
        (1, 0.5, 0.3934693402873665),
        (3, 0.03, 4.399954939749084e-06),
        (3, 1.0, 0.08030139707139418),
        (5, 1.0, 0.003659846827343713),
        (6, 1.0, 0.000594184817581693),
        (10, 3.5, 0.003314944264632366),
        (20, 10.0, 0.0034543419758568334),
        (3, 40.0, 0.9999999999999964),
        (40, 40.0, 0.5210288610610552),
        (41, 40.0, 0.45808182163746297),
        (100, 60.0, 1.4815276326460494e-06),
        (500, 400.0, 8.109381078799146e-07),
        (950, 1000.0, 0.9457933261109813),
        (12, 0.01, 2.068494040292691e-33),
    ];
}
