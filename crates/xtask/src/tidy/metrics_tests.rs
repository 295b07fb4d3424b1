//! Metrics as code writes them, as the document lists them, and where the two part.

use super::*;

fn file(path: &str, text: &str) -> TextFile {
    TextFile {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn recorded(code: &str) -> (Vec<String>, usize) {
    let mut metrics = Vec::new();
    let findings = metrics_of(&file("crates/x/src/lib.rs", code), &mut metrics);
    let said = metrics.iter().map(|metric| {
        let labels: Vec<&str> = metric.labels.iter().map(String::as_str).collect();
        format!("{} {} {}", metric.kind, metric.name, labels.join(","))
    });
    (said.collect(), findings.len())
}

#[test]
fn metrics_are_found_with_kind_and_labels() {
    let rows = [
        (
            r#"counter!("riffle_x_total").increment(1);"#,
            "counter riffle_x_total ",
            0,
        ),
        (
            r#"metrics::gauge!("riffle_x_rows", "a" => b(c), "d" => "e")"#,
            "gauge riffle_x_rows a,d",
            0,
        ),
        (
            "histogram!(\n  \"riffle_x_ms\",\n  \"a\" => 1,\n)",
            "histogram riffle_x_ms a",
            0,
        ),
        (r#"counter!("riffle_x_rows")"#, "counter riffle_x_rows ", 1),
        (r#"gauge!("riffle_x_total")"#, "gauge riffle_x_total ", 1),
        (r#"histogram!("riffle_x")"#, "histogram riffle_x ", 1),
    ];
    for (code, expect, findings) in rows {
        assert_eq!(recorded(code), (vec![expect.to_owned()], findings), "{code}");
    }
    for (code, findings) in [
        ("counter!(NAME)", 1),
        (r#"counter!("other_total")"#, 1),
        ("// counter!(NAME)", 0),
    ] {
        assert_eq!(recorded(code), (vec![], findings), "{code}");
    }
}

#[test]
fn code_and_document_must_agree() {
    let code = r#"counter!("riffle_x_total", "a" => b); gauge!("riffle_y_rows");"#;
    let mut metrics = Vec::new();
    assert!(metrics_of(&file("crates/x/src/lib.rs", code), &mut metrics).is_empty());
    let x = "| `riffle_x_total` | counter | `a` | events |\n";
    let y = "| `riffle_y_rows` | gauge | – | rows |\n";
    let rows = [
        (format!("| metric | kind |\n|---|---|\n{x}{y}"), 0),
        (x.to_owned(), 1),
        (format!("{x}{y}{y}"), 1),
        (format!("{x}{y}| `riffle_z_rows` | gauge | – | gone |\n"), 1),
        (format!("{x}| `riffle_y_rows` | counter | – | rows |\n"), 1),
        (
            format!("{y}| `riffle_x_total` | counter | `a`, `b` | events |\n"),
            1,
        ),
    ];
    for (text, expect) in rows {
        let listed = rows_of(&file(DOCUMENT, &text));
        assert_eq!(compare(&metrics, &listed).len(), expect, "{text}");
    }
}

#[test]
fn readers_name_what_is_there() {
    let known = BTreeSet::from(["riffle_x_ms", "riffle_y_total"]);
    let rows = [
        ("rate(riffle_y_total[1m]) > sum(riffle_x_ms_count)", 0),
        ("histogram_quantile(0.9, riffle_x_ms_bucket)", 0),
        ("riffle_z_total", 1),
        ("riffle_y_total_count_total and `riffle_gone_ms`", 2),
        ("riffle_guest is a cookie, riffle_… a prefix, `riffle_` too", 0),
        ("x_riffle_z_total is another word", 0),
    ];
    for (text, expect) in rows {
        assert_eq!(
            unknown_names(&file("deploy/prometheus/x.yml", text), &known).len(),
            expect,
            "{text}"
        );
    }
}
