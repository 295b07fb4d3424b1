//! temporary
fn main() {
    let out = std::env::args().nth(1).expect("out");
    for clip in media::demo::clips() {
        let args = clip.ffmpeg_args(std::path::Path::new("x"));
        let graph = args[6]
            .split("[v];")
            .next()
            .expect("g")
            .replace("r=24", "r=0.4")
            .replace("fps=24", "fps=0.4")
            .replace("N/24", "N/0.4")
            .replace("*on", "*60*on")
            .replace("r=8", "r=4")
            .replace("r=6", "r=3");
        let path = format!("{out}/{}.png", clip.name);
        let g = format!("{graph},scale=180:320,select='gte(n,1)',tile=2x1[v]");
        let mut child = std::process::Command::new("ffmpeg")
            .args([
                "-v",
                "error",
                "-y",
                "-filter_complex",
                &g,
                "-map",
                "[v]",
                "-frames:v",
                "1",
                "-update",
                "1",
                &path,
            ])
            .spawn()
            .expect("s");
        let s = child.wait().expect("w");
        if !s.success() {
            println!("{} {s}", clip.name);
        }
    }
}
