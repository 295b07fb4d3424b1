//! Finds the videos of a folder and what is said about them: captions and hashtags.
//!
//! Captions come from `NAME.txt` beside the video, else from a row of `captions.csv` in its folder, else from the file
//! name. Hashtags come from those texts, the CSV's third column, and the names of subfolders. Bytes are not looked at:
//! the server decides what a file is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::ImportError;

/// What is worth offering to the server.
pub(crate) const EXTENSIONS: [&str; 8] = ["mp4", "mov", "m4v", "webm", "mkv", "avi", "ts", "3gp"];
const CAPTIONS: &str = "captions.csv";
/// A folder deeper than this is more likely a loop of links than a collection.
const DEPTH_MAX: usize = 16;

/// A video file and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VideoFile {
    pub(crate) path: PathBuf,
    pub(crate) caption: String,
    /// Lower-case, without the sign, each once.
    pub(crate) hashtags: Vec<String>,
}

/// Every video below `folder`, in the order of their paths.
pub(crate) fn videos(folder: &Path) -> Result<Vec<VideoFile>, ImportError> {
    let mut found = Vec::new();
    collect(folder, &mut Vec::new(), &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    if found.is_empty() {
        let extensions = EXTENSIONS.join(", ");
        return Err(ImportError::NoVideos {
            folder: folder.to_path_buf(),
            extensions,
        });
    }
    Ok(found)
}

fn collect(
    folder: &Path,
    subfolders: &mut Vec<String>,
    found: &mut Vec<VideoFile>,
) -> Result<(), ImportError> {
    let captions = captions(&folder.join(CAPTIONS))?;
    for entry in fs::read_dir(folder).map_err(ImportError::file(folder))? {
        let path = entry.map_err(ImportError::file(folder))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() && subfolders.len() < DEPTH_MAX {
            subfolders.push(name);
            collect(&path, subfolders, found)?;
            subfolders.pop();
        } else if path.is_file() && is_video(&path) {
            found.push(described(path, &name, captions.get(&name), subfolders));
        }
    }
    Ok(())
}

fn is_video(path: &Path) -> bool {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    EXTENSIONS.contains(&extension.as_str())
}

fn described(path: PathBuf, name: &str, row: Option<&Row>, subfolders: &[String]) -> VideoFile {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let sidecar = fs::read_to_string(path.with_extension("txt")).ok();
    let caption = match (sidecar, row) {
        (Some(text), _) => text.trim().to_owned(),
        (None, Some(row)) => row.caption.clone(),
        (None, None) => words_of(stem),
    };
    let mut hashtags = Vec::new();
    let of_row = row.map(|row| row.hashtags.as_slice()).unwrap_or_default();
    let texts = [tags_in(&caption), tags_in(stem), of_row.to_vec()].concat();
    for tag in texts.iter().chain(subfolders).filter_map(|text| tag_of(text)) {
        if !hashtags.contains(&tag) {
            hashtags.push(tag);
        }
    }
    VideoFile {
        path,
        caption,
        hashtags,
    }
}

/// `my_first-clip #ocean` → `my first clip`.
fn words_of(stem: &str) -> String {
    let plain: String = stem
        .chars()
        .map(|c| if matches!(c, '_' | '-' | '.') { ' ' } else { c })
        .collect();
    let words = plain.split_whitespace().filter(|word| !word.starts_with('#'));
    words.collect::<Vec<_>>().join(" ")
}

/// The words that follow a `#`.
fn tags_in(text: &str) -> Vec<String> {
    text.split('#')
        .skip(1)
        .map(|rest| rest.chars().take_while(|&c| is_tag(c)).collect())
        .collect()
}

fn is_tag(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// `New York` → `newyork`; `None` when nothing is left.
fn tag_of(text: &str) -> Option<String> {
    let tag: String = text
        .chars()
        .filter(|&c| is_tag(c))
        .flat_map(char::to_lowercase)
        .collect();
    (!tag.is_empty()).then_some(tag)
}

/// One row of `captions.csv`: `file,caption,hashtags`, hashtags parted by spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    caption: String,
    hashtags: Vec<String>,
}

fn captions(path: &Path) -> Result<BTreeMap<String, Row>, ImportError> {
    if !path.is_file() {
        return Ok(BTreeMap::new());
    }
    Ok(rows(&fs::read_to_string(path).map_err(ImportError::file(path))?))
}

fn rows(text: &str) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for fields in csv(text) {
        let mut fields = fields.into_iter();
        if let (Some(file), Some(caption)) = (fields.next(), fields.next()) {
            let hashtags = fields
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .map(str::to_owned)
                .collect();
            rows.insert(file, Row { caption, hashtags });
        }
    }
    rows
}

/// RFC 4180: commas, quoted fields, doubled quotes, line breaks inside quotes.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().filter(|&c| c != '\r').peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    record.push(field);
    records.push(record);
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_captions_and_tags() {
        let check = |path: &str, subfolders: &[&str], row: Option<Row>, caption: &str, tags: &[&str]| {
            let subfolders: Vec<String> = subfolders.iter().map(|&name| name.to_owned()).collect();
            let name = path.rsplit('/').next().unwrap_or(path);
            let video = described(path.into(), name, row.as_ref(), &subfolders);
            let found: Vec<&str> = video.hashtags.iter().map(String::as_str).collect();
            assert_eq!(
                (video.caption.as_str(), found.as_slice()),
                (caption, tags),
                "{path}"
            );
        };
        let row = Row {
            caption: "A wave #Big".to_owned(),
            hashtags: vec!["#sea".to_owned(), "surf".to_owned()],
        };
        check("nowhere/my_first-clip.mp4", &[], None, "my first clip", &[]);
        check("nowhere/wave #ocean #Ocean.mp4", &[], None, "wave", &["ocean"]);
        check(
            "nowhere/a.mov",
            &["Travel", "New York"],
            None,
            "a",
            &["travel", "newyork"],
        );
        check(
            "nowhere/a.mov",
            &["travel"],
            Some(row),
            "A wave #Big",
            &["big", "sea", "surf", "travel"],
        );
        check("nowhere/été.mp4", &["--"], None, "été", &[]);
    }

    #[test]
    fn csv_follows_the_rfc() {
        let check = |text: &str, expect: &[&[&str]]| assert_eq!(csv(text), expect, "{text:?}");
        check("a,b\nc,d", &[&["a", "b"], &["c", "d"]]);
        check("a,\"b, \"\"c\"\"\"\r\nd", &[&["a", "b, \"c\""], &["d"]]);
        check("\"a\nb\",c", &[&["a\nb", "c"]]);
        check("", &[&[""]]);
    }

    #[test]
    fn a_folder_is_walked_with_its_sidecars() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        };
        put("b.mp4", "");
        put("b.txt", "From the sidecar #one\n");
        put("sea/a.WEBM", "");
        put("sea/captions.csv", "a.WEBM,\"Waves, calm\",two three\n");
        put("notes.pdf", "");
        put(".hidden.mp4", "");
        let found = videos(folder.path()).expect("videos");
        let said: Vec<_> = found
            .iter()
            .map(|video| (video.caption.as_str(), video.hashtags.join(" ")))
            .collect();
        assert_eq!(
            said,
            [
                ("From the sidecar #one", "one".to_owned()),
                ("Waves, calm", "two three sea".to_owned())
            ]
        );

        let empty = tempfile::tempdir().expect("a temporary folder");
        assert!(matches!(videos(empty.path()), Err(ImportError::NoVideos { .. })));
    }
}
