//! Room for a page that is made again and again: thirty megabytes that the system hands out and
//! clears anew for every scrape cost more than what is written into them.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::bytes::Bytes;

/// The room that the last page left behind.
#[derive(Debug, Clone, Default)]
pub struct Room(Arc<Mutex<Vec<u8>>>);

impl Room {
    /// The room, empty; a new one while somebody still reads the last page.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A page whose room comes back when its last reader has it.
    pub fn page(&self, page: Vec<u8>) -> Bytes {
        Bytes::from_owner(Page { page, room: self.clone() })
    }
}

struct Page {
    page: Vec<u8>,
    room: Room,
}

impl AsRef<[u8]> for Page {
    fn as_ref(&self) -> &[u8] {
        &self.page
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let mut page = std::mem::take(&mut self.page);
        // A page that has become small does not keep the room of a large one.
        page.shrink_to(page.len().saturating_mul(2));
        page.clear();
        *self.room.0.lock().unwrap_or_else(PoisonError::into_inner) = page;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_comes_back_with_the_last_reader() {
        let room = Room::default();
        let mut page = room.take();
        page.extend_from_slice(&[7; 1000]);
        let (first, at) = (room.page(page), room.take());
        assert_eq!(at.capacity(), 0, "it is still read");
        let second = first.clone();
        let address = first.as_ptr();
        drop(first);
        assert_eq!(second.len(), 1000);
        drop(second);
        let again = room.take();
        assert_eq!((again.len(), again.as_ptr()), (0, address));
    }

    #[test]
    fn a_small_page_gives_the_room_of_a_large_one_back() {
        let room = Room::default();
        drop(room.page(vec![7; 100_000]));
        let mut page = room.take();
        page.push(7);
        drop(room.page(page));
        assert!(room.take().capacity() < 1000);
    }
}
