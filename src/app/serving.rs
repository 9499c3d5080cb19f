//! The HTTP server's thread.

use std::io;
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use tokio::runtime;

/// How long tasks of strangers' connections may linger after the end.
const LINGER: Duration = Duration::from_millis(200);

/// On a runtime of its own, so that a scrape takes no time from the probes.
pub fn begin<Fut>(
    listener: TcpListener,
    serve: impl FnOnce(tokio::net::TcpListener) -> Fut,
) -> io::Result<(thread::JoinHandle<()>, runtime::Handle)>
where
    Fut: Future<Output = ()> + Send + 'static,
{
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(4)
        .thread_name("http")
        .enable_all()
        .build()?;
    let serving = {
        let _entered = runtime.enter();
        serve(tokio::net::TcpListener::from_std(listener)?)
    };
    let handle = runtime.handle().clone();
    let thread = thread::Builder::new().name("http".to_owned()).spawn(move || {
        // On its worker too: where that is stuck, so is everything, and the watchdog sees it.
        let serving = runtime.spawn(serving);
        if let Err(error) = runtime.block_on(serving)
            && let Ok(panic) = error.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
        runtime.shutdown_timeout(LINGER);
    })?;
    Ok((thread, handle))
}
