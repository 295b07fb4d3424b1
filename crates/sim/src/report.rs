//! Figures over seeds as a table for people and as JSON for programs.

use serde_json::{Map, Value, json};

use crate::stats::Interval;

/// Figures of several contenders over the same seeds.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub title: String,
    pub seeds: Vec<u64>,
    pub rows: Vec<Row>,
}

/// One contender: for each figure, one value a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: String,
    pub figures: Vec<(String, Vec<f64>)>,
}

impl Row {
    /// Joins the figures of several seeds, which must have the same names in the same order.
    pub fn of<'a>(name: &str, by_seed: impl IntoIterator<Item = &'a [(&'static str, f64)]>) -> Self {
        let mut figures: Vec<(String, Vec<f64>)> = Vec::new();
        for of_seed in by_seed {
            if figures.is_empty() {
                figures = of_seed
                    .iter()
                    .map(|(name, _)| ((*name).to_owned(), Vec::new()))
                    .collect();
            }
            for ((_, values), (_, value)) in figures.iter_mut().zip(of_seed) {
                values.push(*value);
            }
        }
        Self {
            name: name.to_owned(),
            figures,
        }
    }

    /// The interval of a figure over seeds; None when there is no such figure.
    pub fn interval(&self, figure: &str) -> Option<Interval> {
        let found = self.figures.iter().find(|(name, _)| name == figure);
        found.map(|(_, values)| Interval::of(values))
    }
}

impl Table {
    /// Markdown: a line a figure, a column a contender, mean ± half of the 95 % interval.
    pub fn markdown(&self) -> String {
        let names = self
            .rows
            .iter()
            .map(|row| format!(" {} |", row.name))
            .collect::<String>();
        let rule = "---|".repeat(self.rows.len());
        let mut text = format!(
            "{} (seeds {:?})\n\n| figure |{names}\n|---|{rule}\n",
            self.title, self.seeds
        );
        let Some(first) = self.rows.first() else {
            return text;
        };
        for (figure, _) in &first.figures {
            let cell = |row: &Row| match row.interval(figure) {
                Some(Interval { mean, half }) => format!(" {} ± {} |", digits(mean), digits(half)),
                None => " |".to_owned(),
            };
            text += &format!("| {figure} |{}\n", self.rows.iter().map(cell).collect::<String>());
        }
        text
    }

    /// A line a contender and figure: mean, half of the 95 % interval, then one value a seed.
    pub fn csv(&self) -> String {
        let seeds: String = self.seeds.iter().map(|seed| format!(",seed {seed}")).collect();
        let mut text = format!("name,figure,mean,half_95{seeds}\n");
        for row in &self.rows {
            for (figure, values) in &row.figures {
                let Interval { mean, half } = Interval::of(values);
                let values: String = values.iter().map(|value| format!(",{value:.6}")).collect();
                text += &format!("\"{}\",\"{figure}\",{mean:.6},{half:.6}{values}\n", row.name);
            }
        }
        text
    }

    /// All values, with means and intervals.
    pub fn json(&self) -> Value {
        let figure = |values: &[f64]| {
            let Interval { mean, half } = Interval::of(values);
            json!({ "mean": mean, "half_95": half, "values": values })
        };
        let row = |row: &Row| {
            let figures: Map<String, Value> = row
                .figures
                .iter()
                .map(|(name, values)| (name.clone(), figure(values)))
                .collect();
            json!({ "name": row.name, "figures": figures })
        };
        json!({ "title": self.title, "seeds": self.seeds, "rows": self.rows.iter().map(row).collect::<Vec<_>>() })
    }
}

/// Four digits that count.
fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        x if x >= 1000.0 => 0,
        x if x >= 10.0 => 1,
        x if x >= 1.0 => 2,
        _ => 4,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_went_in() {
        let by_seed: [&[(&'static str, f64)]; 2] =
            [&[("a", 1.0), ("b", 2000.0)], &[("a", 3.0), ("b", 2000.0)]];
        let table = Table {
            title: "two".to_owned(),
            seeds: vec![5, 6],
            rows: vec![Row::of("x", by_seed)],
        };
        let text = table.markdown();
        assert!(text.contains("| a | 2.00 ± 12.7 |"), "{text}");
        assert!(text.contains("| b | 2000 ± 0.0000 |"), "{text}");
        assert_eq!(
            table.json()["rows"][0]["figures"]["a"]["values"],
            json!([1.0, 3.0])
        );
        assert_eq!(table.rows[0].interval("c"), None);
        assert!(
            table
                .csv()
                .contains("\"x\",\"a\",2.000000,12.706000,1.000000,3.000000\n"),
            "{}",
            table.csv()
        );
    }
}
