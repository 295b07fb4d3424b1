//! Groups of near-duplicates: an original and its copies, as the media plane found them. Holds only what has copies; judges nothing.

use std::collections::HashMap;

use types::VideoId;

use crate::hashing::IdHashing;

/// Others of a group that are looked at; a clip uploaded more often than this may come twice.
const ALIKE_MAX: usize = 64;

/// By original, and by copy. The original may be gone: its copies are still alike.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    by_original: HashMap<VideoId, Vec<VideoId>, IdHashing>,
    originals: HashMap<VideoId, VideoId, IdHashing>,
}

impl Copies {
    pub(crate) fn put(&mut self, video: VideoId, original: VideoId) {
        self.remove(video);
        self.originals.insert(video, original);
        let copies = self.by_original.entry(original).or_default();
        if let Err(at) = copies.binary_search(&video) {
            copies.insert(at, video);
        }
    }

    pub(crate) fn remove(&mut self, video: VideoId) {
        let Some(original) = self.originals.remove(&video) else {
            return;
        };
        if let Some(copies) = self.by_original.get_mut(&original) {
            copies.retain(|&copy| copy != video);
            if copies.is_empty() {
                self.by_original.remove(&original);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.originals.is_empty()
    }

    /// In the order of their ids.
    pub(crate) fn of(&self, original: VideoId) -> &[VideoId] {
        self.by_original.get(&original).map_or(&[], Vec::as_slice)
    }

    /// The others of a video's group, the original first; for most videos nobody.
    pub(crate) fn alike(&self, video: VideoId) -> impl Iterator<Item = VideoId> + '_ {
        let original = self.originals.get(&video).copied();
        let copies = self.of(original.unwrap_or(video)).iter().copied();
        original
            .into_iter()
            .chain(copies)
            .filter(move |&other| other != video)
            .take(ALIKE_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_known_from_each_of_its_videos() {
        let id = VideoId::from_raw;
        let mut copies = Copies::default();
        copies.put(id(7), id(3));
        copies.put(id(5), id(3));
        copies.put(id(5), id(3));
        let alike =
            |copies: &Copies, video: u64| copies.alike(id(video)).map(VideoId::raw).collect::<Vec<_>>();
        assert_eq!(alike(&copies, 3), [5, 7]);
        assert_eq!(alike(&copies, 5), [3, 7]);
        assert_eq!(alike(&copies, 9), [0; 0]);
        copies.remove(id(5));
        copies.put(id(7), id(4));
        assert_eq!(alike(&copies, 3), [0; 0], "a copy belongs to one group");
        assert_eq!(alike(&copies, 4), [7]);
        copies.remove(id(7));
        assert!(copies.is_empty() && copies.of(id(4)).is_empty());
    }
}
