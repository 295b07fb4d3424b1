//! Content vectors and fingerprints of generated clips: a copy is nearest to its original and known again, and nothing else is. Run with
//! `--nocapture` for the figures.

use std::path::{Path, PathBuf};
use std::process::Command;

use media::{Fingerprint, Looks, MediaLimits, Processor, Sandbox, Words};
use types::ContentVector;

/// Pictures and sounds as unlike as generators make them; and four that differ by a turn of the hue and by their tone alone.
const SCENES: [(&str, &str); 7] = [
    ("mandelbrot=s=180x320:r=15", "sine=f=330"),
    (
        "life=s=90x160:r=15:mold=10:ratio=0.3:death_color=#203060:life_color=#e0c040:seed=4,scale=180:320",
        "anoisesrc=c=pink:seed=2",
    ),
    (
        "cellauto=s=180x320:r=15:rule=110:seed=6",
        "sine=f=700,tremolo=f=4",
    ),
    (
        "gradients=s=180x320:r=15:c0=orange:c1=navy:n=2:speed=0.05:seed=3",
        "aevalsrc='0.3*sin(2*PI*220*t)+0.2*sin(2*PI*277*t)'",
    ),
    ("smptehdbars=s=180x320:r=15,rotate=t/4", "sine=f=180,vibrato=f=6"),
    (
        "color=c=0x306040:s=180x320:r=15,noise=alls=40:allf=t:all_seed=5",
        "anoisesrc=c=brown:seed=7",
    ),
    ("sierpinski=s=180x320:r=15:seed=8", "sine=f=1200:b=4"),
];
const TURNED: [u32; 4] = [0, 1, 8, 9];
/// Clips that are copied.
const COPIED: usize = 6;

const COPIES: [(&str, &str); 3] = [
    ("fewer bits", "-crf 34 -b:a 64k"),
    ("cropped by 4 %", "-vf crop=172:308 -crf 24"),
    (
        "brighter",
        "-vf eq=brightness=0.03:saturation=1.1 -crf 24 -af volume=-4dB",
    ),
];

struct Bench {
    folder: tempfile::TempDir,
    processor: Processor,
}

impl Bench {
    fn ffmpeg(&self, name: &str, inputs: &[&str], options: &str) -> PathBuf {
        let path = self.folder.path().join(name).with_extension("mp4");
        let status = Command::new("ffmpeg")
            .args(["-v", "error", "-y"])
            .args(inputs)
            .args(options.split_whitespace())
            .args(["-pix_fmt", "yuv420p", "-preset", "ultrafast"])
            .arg(&path)
            .status();
        assert!(status.expect("ffmpeg runs").success(), "{name}");
        path
    }

    fn scene(&self, name: &str, picture: &str, sound: &str) -> PathBuf {
        self.ffmpeg(
            name,
            &["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound],
            "-t 2 -shortest",
        )
    }

    async fn looks(&self, clip: &Path) -> Looks {
        let looks = self.processor.describe(clip, self.folder.path()).await;
        looks.expect("it is a video")
    }
}

fn vector(looks: &Looks) -> ContentVector {
    looks.vector(&Words::default()).expect("something is seen")
}

fn fingerprint(looks: &Looks) -> &Fingerprint {
    looks.fingerprint.as_ref().expect("there are frames")
}

fn cosine(one: &Looks, other: &Looks) -> f32 {
    vector(one).cosine(&vector(other)).expect("one space")
}

#[tokio::test]
async fn copies_are_nearest_to_their_originals_and_nothing_else_is_known_again() {
    let bench = Bench {
        folder: tempfile::tempdir().expect("a folder"),
        processor: Processor::new(
            Sandbox::detect()
                .await
                .expect("bubblewrap and ffmpeg are installed"),
            MediaLimits::default(),
        ),
    };
    let mut clips = Vec::new();
    for (number, (picture, sound)) in SCENES.iter().enumerate() {
        clips.push(bench.scene(&format!("scene-{number}"), picture, sound));
    }
    for seed in TURNED {
        let picture = format!("testsrc2=s=180x320:r=15,hue=h={}", seed * 47 % 360);
        let sound = format!("sine=f={}", 220 + seed * 20);
        clips.push(bench.scene(&format!("turned-{seed}"), &picture, &sound));
    }
    let mut known = Vec::new();
    for clip in &clips {
        known.push(bench.looks(clip).await);
    }
    assert_eq!(
        bench.looks(&clips[0]).await,
        known[0],
        "the same file gives the same bytes"
    );
    for (number, one) in known.iter().enumerate() {
        for (other, another) in known.iter().enumerate().filter(|&(other, _)| other != number) {
            assert!(
                !fingerprint(one).is_copy_of(fingerprint(another)),
                "{number} is taken for {other}"
            );
        }
    }
    for (name, options) in COPIES {
        let (mut nearest, mut again, mut lowest) = (0, 0, 1.0f32);
        for (clip, own) in clips.iter().zip(&known).take(COPIED) {
            let input = clip.to_str().expect("a plain path");
            let copy = bench.looks(&bench.ffmpeg("copy", &["-i", input], options)).await;
            let near = cosine(&copy, own);
            let nearer = known.iter().filter(|other| cosine(&copy, other) > near).count();
            nearest += usize::from(nearer == 0);
            again += usize::from(fingerprint(&copy).is_copy_of(fingerprint(own)));
            lowest = lowest.min(near);
            let taken = known
                .iter()
                .filter(|other| fingerprint(&copy).is_copy_of(fingerprint(other)))
                .count();
            assert!(
                taken <= 1,
                "{name} of {} is taken for {taken} clips",
                clip.display()
            );
        }
        let all = COPIED;
        println!(
            "{name}: nearest {nearest} of {all}, known again {again} of {all}, lowest cosine {lowest:.3}"
        );
        assert!(nearest >= all - 1, "{name}: {nearest} of {all}");
        assert!(again >= all / 2, "{name}: {again} of {all}");
    }
}

#[test]
fn fingerprints_of_other_versions_are_not_read() {
    assert_eq!(Fingerprint::from_bytes(&[]), None);
    assert_eq!(Fingerprint::from_bytes(&[9; 271]), None);
}
