//! Rows for the one-file rules: what is found, and what is left in peace.

use super::*;

fn file(path: &str, text: &str) -> TextFile {
    TextFile {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// The rules that `text` breaks, in order.
fn rules(path: &str, text: &str) -> Vec<&'static str> {
    check(&file(path, text))
        .into_iter()
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn rules_fire_on_what_they_forbid_only() {
    let long_file = format!("//! x\n{}", "const A: u8 = 1;\n".repeat(600));
    let long_function = format!("//! x\nfn f() {{\n{}}}\n", "    a();\n".repeat(69));
    let full_function = format!("//! x\nfn f() {{\n{}}}\n", "    a();\n".repeat(68));
    let place = concat!("see /wo", "rk/x");
    let rows: &[(&str, &str, &[&str])] = &[
        ("crates/a/src/lib.rs", "//! A room.\nfn f() {}\n", &[]),
        ("crates/a/src/lib.rs", "fn f() {}\n", &["header"]),
        ("crates/a/src/lib.rs", &long_file, &["file-lines"]),
        ("crates/a/src/lib.rs", &long_function, &["function-lines"]),
        ("crates/a/src/lib.rs", &full_function, &[]),
        (
            "crates/a/src/lib.rs",
            "//! x\n#[allow(dead_code)]\nfn f() {}\n",
            &["bare-allow"],
        ),
        (
            "crates/a/src/lib.rs",
            "//! x\n#![allow(dead_code)]\n",
            &["bare-allow"],
        ),
        (
            "crates/a/src/lib.rs",
            "//! x\nfn f() { todo!() }\n",
            &["unfinished"],
        ),
        (
            "crates/a/src/lib.rs",
            "//! x\nconst S: &str = \"todo!()\"; // todo!()\n",
            &[],
        ),
        (
            "crates/a/src/lib.rs",
            "//! x\n#[test]\n#[ignore]\nfn f() {}\n",
            &["ignored-test"],
        ),
        (
            "crates/a/src/lib.rs",
            "//! x\nfn f() { std::thread::sleep(d) }\n",
            &[],
        ),
        (
            "crates/a/src/lib.rs",
            "//! x\n#[cfg(test)]\nmod t { fn f() { std::thread::sleep(d) } }\n",
            &["sleep-in-test"],
        ),
        (
            "crates/a/tests/b.rs",
            "//! x\nfn f() { thread::sleep(d) }\n",
            &["sleep-in-test"],
        ),
        ("web/src/app.tsx", "// The shell.\n", &[]),
        ("web/src/app.tsx", "export {};\n", &["header"]),
        ("docs/a.md", place, &["place"]),
        ("docs/a.md", "https://example.org/home/page", &[]),
    ];
    for (path, text, expect) in rows {
        assert_eq!(
            &rules(path, text),
            expect,
            "{path}: {}",
            text.get(..60).unwrap_or(text)
        );
    }
}

#[test]
fn functions_are_measured_from_fn_to_brace() {
    let check = |code: &str, expect: &[(&str, usize, usize)]| {
        let found: Vec<_> = functions(code)
            .into_iter()
            .map(|f| (f.name, f.line, f.lines))
            .collect();
        let expect: Vec<_> = expect
            .iter()
            .map(|(name, line, lines)| ((*name).to_owned(), *line, *lines))
            .collect();
        assert_eq!(found, expect, "{code}");
    };
    check("fn f() {}", &[("f", 1, 1)]);
    check("trait T { fn f(); fn g() {} }", &[("g", 1, 1)]);
    check(
        "\n\nfn f<T>(\n  a: [u8; 3],\n) -> T\nwhere T: X {\n if a { b } else { c }\n}\n",
        &[("f", 3, 6)],
    );
    check("let x: fn (u8) -> u8 = y;", &[]);
    check("fn a() {\n fn b() {\n }\n}", &[("a", 1, 4), ("b", 2, 2)]);
    check("let refn = 1;", &[]);
}
