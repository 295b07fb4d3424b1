//! Measures of predictions against outcomes. Pure functions; the same words mean the same thing in every protocol.

/// Predictions are clipped to `[LOGLOSS_CLIP, 1 - LOGLOSS_CLIP]` before their logarithm is taken.
pub const LOGLOSS_CLIP: f64 = 1e-6;

/// Area under the ROC curve (Mann-Whitney, ties count a half). None when either class is absent.
///
/// O(n log n). A score that is not a number sorts above all others.
pub fn auc(scores: &[f32], labels: &[bool]) -> Option<f64> {
    assert_eq!(scores.len(), labels.len(), "a score for each label");
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_unstable_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut rank_sum, mut positives, mut start) = (0.0, 0_u64, 0);
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && scores[order[end]] == scores[order[start]] {
            end += 1;
        }
        let tied = order[start..end].iter().filter(|&&at| labels[at]).count() as u64;
        // Ranks are 1-based; tied scores share their mean rank.
        rank_sum += tied as f64 * (start + 1 + end) as f64 / 2.0;
        positives += tied;
        start = end;
    }
    let negatives = scores.len() as u64 - positives;
    if positives == 0 || negatives == 0 {
        return None;
    }
    let positives = positives as f64;
    Some((rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives as f64))
}

/// Mean of `-y ln p - (1 - y) ln(1 - p)`, with p clipped (see [`LOGLOSS_CLIP`]). None when there is nothing.
pub fn logloss(scores: &[f32], labels: &[bool]) -> Option<f64> {
    assert_eq!(scores.len(), labels.len(), "a score for each label");
    let sum: f64 = scores
        .iter()
        .zip(labels)
        .map(|(&score, &label)| logloss_of(score, label))
        .sum();
    (!scores.is_empty()).then(|| sum / scores.len() as f64)
}

/// The loss of one prediction.
pub fn logloss_of(score: f32, label: bool) -> f64 {
    let p = f64::from(score).clamp(LOGLOSS_CLIP, 1.0 - LOGLOSS_CLIP);
    -(if label { p } else { 1.0 - p }).ln()
}

/// Area under the curve within each group, weighted by the groups' sizes; groups with one class only are left out.
/// None when no group has both.
pub fn grouped_auc(groups: &[u64], scores: &[f32], labels: &[bool]) -> Option<f64> {
    assert_eq!(groups.len(), labels.len(), "a group for each label");
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by_key(|&at| groups[at]);
    let (mut sum, mut weight) = (0.0, 0.0);
    for group in order.chunk_by(|&a, &b| groups[a] == groups[b]) {
        let scores: Vec<f32> = group.iter().map(|&at| scores[at]).collect();
        let labels: Vec<bool> = group.iter().map(|&at| labels[at]).collect();
        if let Some(auc) = auc(&scores, &labels) {
            sum += auc * group.len() as f64;
            weight += group.len() as f64;
        }
    }
    (weight > 0.0).then(|| sum / weight)
}

/// How many of the first `k` ranked are targets, over the number of targets. None without targets.
pub fn recall_at(ranked: &[u64], targets: &[u64], k: usize) -> Option<f64> {
    let hits = hits_at(ranked, targets, k).count();
    (!targets.is_empty()).then(|| hits as f64 / targets.len() as f64)
}

/// 1 when any of the first `k` ranked is a target. None without targets.
pub fn hit_rate_at(ranked: &[u64], targets: &[u64], k: usize) -> Option<f64> {
    let any = hits_at(ranked, targets, k).next().is_some();
    (!targets.is_empty()).then(|| f64::from(u8::from(any)))
}

/// Normalised discounted cumulative gain with gain 1 and discount `1 / log2(rank + 1)`; the ideal holds `min(k, targets)` hits.
/// None without targets.
pub fn ndcg_at(ranked: &[u64], targets: &[u64], k: usize) -> Option<f64> {
    let discount = |at: usize| 1.0 / (at as f64 + 2.0).log2();
    let ideal: f64 = (0..targets.len().min(k)).map(discount).sum();
    let found: f64 = hits_at(ranked, targets, k).map(discount).sum();
    (!targets.is_empty() && k > 0).then(|| found / ideal)
}

/// The 0-based places of the targets among the first `k` ranked.
fn hits_at<'a>(ranked: &'a [u64], targets: &'a [u64], k: usize) -> impl Iterator<Item = usize> + 'a {
    ranked
        .iter()
        .take(k)
        .enumerate()
        .filter(|(_, video)| targets.contains(video))
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests;
