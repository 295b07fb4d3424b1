//! The sandbox by its front door: what a child cannot reach, and what happens to one that goes on too long.

use std::path::Path;

use media::{Job, JobLimits, Sandbox, SandboxError, Tool};

async fn sandbox() -> Sandbox {
    Sandbox::detect()
        .await
        .expect("bubblewrap and ffmpeg are installed")
}

fn job<'a>(args: &str, input: Option<&'a Path>, limits: JobLimits) -> Job<'a> {
    let args = args.split(' ').map(str::to_owned).collect();
    Job {
        tool: Tool::Ffmpeg,
        args,
        input,
        output: None,
        limits,
    }
}

#[tokio::test]
async fn a_child_reads_its_input_and_nothing_beside_it() {
    let sandbox = sandbox().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    for path in [&own, &other] {
        std::fs::write(path, [1; 4096]).expect("a file");
    }
    let check = async |target: &str, readable: bool| {
        let args = format!("-v error -f s16le -i {target} -f null -");
        let finished = sandbox
            .run(&job(&args, Some(&own), JobLimits::probe()), &mut |_| {})
            .await
            .expect("it runs");
        assert_eq!(
            finished.status.success(),
            readable,
            "{target}: {}",
            finished.stderr_tail
        );
    };
    check("/in/source", true).await;
    check(&own.to_string_lossy(), false).await;
    check(&other.to_string_lossy(), false).await;
    check("/etc/passwd", false).await;
    check("/proc/self/environ", false).await;
    check("/root", false).await;
}

#[tokio::test]
async fn a_child_cannot_write_its_input_or_the_system() {
    let sandbox = sandbox().await;
    let own = tempfile::NamedTempFile::new().expect("a file");
    for target in ["/in/source", "/in/other", "/usr/x", "/x"] {
        let args = format!("-v error -y -f lavfi -i anullsrc -t 1 -f s16le {target}");
        let finished = sandbox
            .run(&job(&args, Some(own.path()), JobLimits::probe()), &mut |_| {})
            .await
            .expect("it runs");
        // A new file beside the input lands in the child's own memory and is gone with it.
        assert!(
            !finished.status.success() || target == "/in/other" || target == "/x",
            "{target}"
        );
    }
    assert_eq!(own.path().metadata().expect("there").len(), 0);
}

#[tokio::test]
async fn limits_end_a_child() {
    let sandbox = sandbox().await;
    let endless = "-v error -f lavfi -i testsrc2=s=1280x720 -f null -";
    let run = async |args: &str, limits: JobLimits| sandbox.run(&job(args, None, limits), &mut |_| {}).await;

    let slow = run(
        endless,
        JobLimits {
            wall_ms_max: 300,
            ..JobLimits::probe()
        },
    )
    .await;
    assert!(
        matches!(slow, Err(SandboxError::TimedOut { wall_ms_max: 300 })),
        "{slow:?}"
    );
    let busy = run(
        endless,
        JobLimits {
            cpu_s_max: 1,
            ..JobLimits::probe()
        },
    )
    .await
    .expect("it runs");
    assert!(!busy.status.success(), "{busy:?}");
    let hungry = run(
        endless,
        JobLimits {
            memory_bytes_max: 40_000_000,
            ..JobLimits::probe()
        },
    )
    .await
    .expect("it runs");
    assert!(!hungry.status.success(), "{hungry:?}");
    let chatty = "-v error -f lavfi -i anullsrc -f s16le pipe:1";
    let chatty = run(
        chatty,
        JobLimits {
            stdout_bytes_max: 100_000,
            ..JobLimits::probe()
        },
    )
    .await;
    assert!(
        matches!(
            chatty,
            Err(SandboxError::OutputTooLong {
                stdout_bytes_max: 100_000
            })
        ),
        "{chatty:?}"
    );
}
