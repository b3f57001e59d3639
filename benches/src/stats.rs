//! The statistics of a comparison: medians of paired ratios with a bootstrap interval.

/// How many times as long as the rival greenroom took: below 1 is faster.
pub(crate) struct Ratio {
    pub(crate) median: f64,
    /// The 95 % interval of the median.
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Ratio {
    /// Whether there is something to divide, by something.
    pub(crate) fn exists(ours: &[f64], theirs: &[f64]) -> bool {
        !ours.is_empty() && ours.len() == theirs.len() && theirs.iter().all(|figure| *figure > 0.0)
    }

    /// Divides round by round, so that a drift of the machine's speed falls out.
    pub(crate) fn of(ours: &[f64], theirs: &[f64]) -> Ratio {
        let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let medians = bootstrap_medians(&ratios);
        let at = |share: f64| medians[((medians.len() - 1) as f64 * share).round() as usize];
        Ratio { median: median(&ratios), low: at(0.025), high: at(0.975) }
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// Medians of 2,000 resamples (Efron's percentile bootstrap), in order; the seed is fixed, so that the same
/// rounds give the same interval.
fn bootstrap_medians(values: &[f64]) -> Vec<f64> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |end: usize| {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % end as u64) as usize
    };
    let mut resample = || -> Vec<f64> { values.iter().map(|_| values[below(values.len())]).collect() };
    let mut medians: Vec<f64> = (0..2_000).map(|_| median(&resample())).collect();
    medians.sort_by(f64::total_cmp);
    medians
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), 2.5);
        assert_eq!(median(&[9.0, 1.0, 5.0]), 5.0);
    }

    #[test]
    fn a_drift_that_both_share_leaves_no_interval() {
        let (ours, theirs) = ([1.0, 2.0, 4.0, 8.0], [2.0, 4.0, 8.0, 16.0]);
        let ratio = Ratio::of(&ours, &theirs);
        assert_eq!((ratio.low, ratio.median, ratio.high), (0.5, 0.5, 0.5));
    }

    #[test]
    fn the_interval_lies_around_the_median_and_within_the_ratios() {
        let ours: Vec<f64> = (1..=31).map(f64::from).collect();
        let ratio = Ratio::of(&ours, &[1.0; 31]);
        assert_eq!(ratio.median, 16.0);
        assert!(1.0 < ratio.low && ratio.low < 16.0, "low end {}", ratio.low);
        assert!(16.0 < ratio.high && ratio.high < 31.0, "high end {}", ratio.high);
    }
}
