//! Pages that take work to make, made once for all who wait for one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

/// A page, made anew for whoever comes after its making has begun.
///
/// However many ask at a time, no more than one is being made and one more is waited for. One that
/// may be a little old also serves those who come later.
#[derive(Debug)]
pub struct Shared<T> {
    age: Duration,
    waiting: AtomicUsize,
    latest: Mutex<Option<(Instant, T)>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::up_to(Duration::ZERO)
    }
}

impl<T> Shared<T> {
    /// Of pages that may be so old.
    pub fn up_to(age: Duration) -> Self {
        Self { age, waiting: AtomicUsize::new(0), latest: Mutex::new(None) }
    }
}

impl<T: Clone> Shared<T> {
    /// A page with all that was known at the moment of this call, or as long before as it may be
    /// old.
    pub async fn get<E>(&self, make: impl AsyncFnOnce() -> Result<T, E>) -> Result<T, E> {
        let asked = Instant::now();
        let waiting = Waiting::new(&self.waiting);
        let mut latest = self.latest.lock().await;
        let page = match latest.as_ref().filter(|(begun, _)| *begun + self.age >= asked) {
            Some((_, page)) => page.clone(),
            None => {
                let begun = Instant::now();
                let page = make().await?;
                *latest = Some((begun, page.clone()));
                page
            }
        };
        drop(waiting);
        if self.age.is_zero() && self.waiting.load(Ordering::SeqCst) == 0 {
            // Nobody is left whom it could serve.
            *latest = None;
        }
        Ok(page)
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_crowd_is_served_with_two_pages() {
        let shared = Arc::new(Shared::default());
        let made = Arc::new(AtomicUsize::new(0));
        let ask = || {
            let (shared, made) = (shared.clone(), made.clone());
            tokio::spawn(async move {
                let make = async || {
                    let number = made.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    Ok::<_, Infallible>(number)
                };
                shared.get(make).await
            })
        };
        let first = ask();
        tokio::task::yield_now().await;
        tokio::time::advance(std::time::Duration::from_millis(100)).await;
        let crowd: Vec<_> = (0..50).map(|_| ask()).collect();
        assert!(matches!(first.await, Ok(Ok(0))));
        for one in crowd {
            assert!(matches!(one.await, Ok(Ok(1))), "it asked after the first was begun");
        }
        assert!(matches!(ask().await, Ok(Ok(2))), "nothing is kept for later");
        assert!(shared.latest.lock().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_that_may_be_old_serves_those_who_come_later() {
        let shared = Shared::up_to(Duration::from_secs(5));
        let made = AtomicUsize::new(0);
        let make = async || Ok::<_, Infallible>(made.fetch_add(1, Ordering::SeqCst));
        for (wait, number) in [(0, 0), (4, 0), (2, 1), (5, 1), (1, 2)] {
            tokio::time::advance(Duration::from_secs(wait)).await;
            assert_eq!(shared.get(make).await, Ok(number));
        }
    }
}
