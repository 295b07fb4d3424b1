//! First bytes, packet times and the loudness report.

use crate::error::ProcessError;
use crate::frame_rate::FrameRate;
use crate::limits::MediaLimits;
use crate::probe::loudness::gain_db;
use crate::probe::times::SpanReader;
use crate::sniff::{Container, sniff};

#[test]
fn first_bytes_name_the_container() {
    let check = |head: &[u8], expect: Result<Container, &str>| {
        assert_eq!(
            sniff(head).map_err(|rejection| rejection.code),
            expect,
            "{head:?}"
        );
    };
    let packets = |first: usize, step: usize| {
        let mut head = vec![0; 1024];
        (0..4).for_each(|n| head[first + n * step] = 0x47);
        head
    };
    check(b"\0\0\0\x18ftypmp42", Ok(Container::Mov));
    check(b"\0\0\0\x08wide\0\0", Ok(Container::Mov));
    check(b"\x1a\x45\xdf\xa3\x01", Ok(Container::Matroska));
    check(b"RIFF\0\0\0\0AVI LIST", Ok(Container::Avi));
    check(&packets(0, 188), Ok(Container::MpegTs));
    check(&packets(4, 192), Ok(Container::MpegTs));
    check(b"", Err("empty_file"));
    check(b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", Err("not_a_video"));
    check(b"ffconcat version 1.0\nfile x.mp4\n", Err("not_a_video"));
    check(b"<html><script>alert(1)</script></html>", Err("not_a_video"));
    check(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", Err("not_a_video"));
    check(b"\xff\xd8\xff\xe0\0\x10JFIF", Err("not_a_video"));
    check(b"\0\0\0\x18ftypheic", Err("not_a_video"));
    check(b"\0\0\0\x18ftypavif", Err("not_a_video"));
    check(b"PK\x03\x04....", Err("not_a_video"));
    check(b"GGGG", Err("not_a_video"));
}

#[test]
fn packet_times_make_the_frame_rate() {
    let check = |times_s: Vec<f64>, expect: (u32, u32)| {
        let rate = FrameRate::of_times(&times_s, 60);
        assert_eq!(
            (rate.numerator, rate.denominator),
            expect,
            "{:?}",
            &times_s[..times_s.len().min(4)]
        );
    };
    let every = |step_s: f64, count: u32| (0..count).map(|n| f64::from(n) * step_s).collect::<Vec<_>>();
    let in_ms = |times: Vec<f64>| {
        times
            .into_iter()
            .map(|time| (time * 1000.0).round() / 1000.0)
            .collect::<Vec<_>>()
    };
    check(every(1.0 / 30.0, 90), (30, 1));
    check(every(1001.0 / 30_000.0, 90), (30_000, 1001));
    check(in_ms(every(1001.0 / 60_000.0, 200)), (60_000, 1001));
    check(in_ms(every(1.0 / 24.0, 90)), (24, 1));
    check(every(0.08, 40), (25, 2));
    check(every(1.0 / 120.0, 240), (60, 1));
    check(every(1.0 / 240.0, 240), (60, 1));
    check(every(1.0 / 90.0, 240), (45, 1));
    check(every(1.0 / 37.0, 80), (37, 1));
    check(every(2.0, 5), (10, 1));
    check(vec![0.0], (10, 1));
    // A screen recording: bursts at 60, then long stillness.
    let bursts = (0..10).flat_map(|burst| {
        every(1.0 / 60.0, 20)
            .into_iter()
            .map(move |t| t + f64::from(burst) * 2.0)
    });
    check(bursts.collect(), (60, 1));
    // Hidden frames a millisecond after shown ones.
    let hidden = every(1.0 / 24.0, 72).into_iter().enumerate();
    check(
        hidden
            .flat_map(|(n, t)| if n % 12 == 0 { vec![t, t + 0.001] } else { vec![t] })
            .collect(),
        (24, 1),
    );
}

#[test]
fn packets_and_not_headers_make_the_duration() {
    let check = |start_s: f64, lines: &[&str], expect: Result<u64, &str>| {
        let mut reader = SpanReader::new(start_s);
        lines.iter().for_each(|line| reader.read(line));
        let outcome = reader.finish().and_then(|span| {
            span.check(&MediaLimits::default())?;
            Ok(span.duration_ms())
        });
        let outcome = outcome.map_err(|error| match error {
            ProcessError::Rejected(rejection) => rejection.code,
            ProcessError::Failed(error) => panic!("{error}"),
        });
        assert_eq!(outcome, expect, "{lines:?}");
    };
    check(
        0.0,
        &["0.0,-0.04,0.04,K_", "2.0,1.9,0.04,__", "1.0,0.9,0.04,__"],
        Ok(2040),
    );
    check(1.4, &["1.4,1.4,0.04,K_", "3.4,3.4,N/A,__"], Ok(2000));
    check(0.0, &["N/A,0.0,0.5,K_", "N/A,1.0,0.5,__"], Ok(1500));
    check(
        0.0,
        &["-5.0,-5.0,0.5,KD", "0.0,0.0,0.5,__", "1.0,1.0,0.5,__"],
        Ok(1500),
    );
    check(0.0, &["0.0,0.0,0.3,K_"], Err("too_short"));
    check(
        0.0,
        &["0.0,0.0,3600.0,K_", "3600.0,3600.0,3600.0,K_"],
        Err("too_long"),
    );
    check(0.0, &["0.0,0.0,0.04,KD"], Err("damaged"));
    check(0.0, &[], Err("damaged"));
}

#[test]
fn the_loudness_report_makes_a_bounded_gain() {
    let report = |lufs: &str| {
        format!("x\n Summary:\n\n  Integrated loudness:\n    I:         {lufs} LUFS\n    Threshold: 0 LUFS\n")
    };
    let check = |report: &str, expect: Option<f64>| assert_eq!(gain_db(report), expect, "{report}");
    check(&report("-14.0"), Some(0.0));
    check(&report("-20.5"), Some(6.5));
    check(&report("-8.0"), Some(-6.0));
    check(&report("-45.0"), Some(12.0));
    check(&report("-70.0"), Some(0.0));
    check(
        &format!("title: Integrated loudness: I: 99 LUFS\n{}", report("-15.0")),
        Some(1.0),
    );
    check("no report", None);
}
