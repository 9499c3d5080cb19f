//! Reading a body: as much as is taken, as fast as it must come.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};
use tokio_util::bytes::Bytes;

use super::answer::Rejection;

/// The largest.
pub const MAX_BYTES: usize = 1024 * 1024;

/// Longest that one may take.
const LONGEST: Duration = Duration::from_secs(5);

/// Time that each one has, however little of it comes.
const GRACE: Duration = Duration::from_secs(1);

/// Bytes that buy a second more.
const BYTES_A_SECOND: u64 = 64 * 1024;

/// All of a body.
pub async fn read(body: Body, begun: Instant) -> Result<Bytes, Rejection> {
    let mut chunks = body.into_data_stream();
    let mut whole = Vec::new();
    let mut only: Option<Bytes> = None;
    loop {
        let received = only.as_ref().map_or(whole.len(), Bytes::len);
        let next = timeout_at(begun + allowed(received), chunks.next()).await;
        match next.map_err(|_| Rejection::Slow)? {
            None => return Ok(only.unwrap_or_else(|| whole.into())),
            Some(Err(_)) => return Err(Rejection::Broken),
            Some(Ok(chunk)) if received + chunk.len() > MAX_BYTES => {
                return Err(Rejection::TooLarge);
            }
            // Nearly every body comes as one piece, which need not be copied.
            Some(Ok(chunk)) if received == 0 => only = Some(chunk),
            Some(Ok(chunk)) => {
                whole.extend(only.take().unwrap_or_default());
                whole.extend(chunk);
            }
        }
    }
}

/// How long a body may take of which so much has come.
fn allowed(received: usize) -> Duration {
    let bought = Duration::from_millis(received as u64 * 1000 / BYTES_A_SECOND);
    LONGEST.min(GRACE + bought)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    fn body(pieces: Vec<Vec<u8>>) -> Body {
        Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)))
    }

    #[tokio::test]
    async fn pieces_become_one_up_to_the_limit() {
        let now = Instant::now();
        for pieces in [vec![], vec![7], vec![3, 4], vec![1, 2, 3], vec![1024 * 1024 - 1, 1]] {
            let whole: usize = pieces.iter().sum();
            let pieces = pieces.into_iter().map(|size| vec![b'x'; size]).collect();
            assert_eq!(read(body(pieces), now).await.unwrap(), vec![b'x'; whole]);
        }
        let large = vec![vec![0; 1024 * 1024], vec![0]];
        assert_eq!(read(body(large), now).await, Err(Rejection::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_drips_is_given_up_after_a_second_and_no_other_before_five() {
        for (bytes, every, seconds) in [(1, 100, 1), (20_000, 100, 5), (8_000, 100, 1)] {
            let drip = stream::unfold((), move |()| async move {
                tokio::time::sleep(Duration::from_millis(every)).await;
                Some((Ok::<_, std::io::Error>(vec![b'x'; bytes]), ()))
            });
            let begun = Instant::now();
            assert_eq!(read(Body::from_stream(drip), begun).await, Err(Rejection::Slow));
            let took = begun.elapsed().as_secs();
            assert!(took >= seconds && took <= 5, "{bytes} bytes: {took} s");
        }
    }
}
