//! Those that answer a request of their own route, and not as they ought to.

use watchpost::outcome::phase::Phase::{Request, Transfer};
use watchpost::outcome::reason::Reason::{self, *};

use super::cage::{Animal, Counted, flood};
use crate::fixture::raw;

/// What is wanted of a route.
const KEYS: &str = "probes = [\"http\"]\nhttp = { expect-json = [{ pointer = \"/ok\", equals = true }], \
    forbid-headers = [\"Set-Cookie\", \"Authorization\"] }";

const GOOD: &str = "{\"ok\":true}";

pub fn animals() -> Vec<Animal> {
    let deep = "[".repeat(60_000);
    let mut animals = vec![
        saying("a route that is well", None, "", GOOD),
        saying("a route that leaks a cookie", Some(HttpHeaderLeaked), "Set-Cookie: s=1\r\n", GOOD),
        saying(
            "one that leaks in odd letters",
            Some(HttpHeaderLeaked),
            "sET-cOOKIE: s=1\r\n",
            GOOD,
        ),
        saying(
            "one that leaks behind a good line",
            Some(HttpHeaderLeaked),
            "X: y\r\nAuthorization: Bearer x\r\n",
            GOOD,
        ),
        saying("a route with a page", Some(HttpJsonUnexpected), "", "<html>\u{1b}[2J"),
        saying("a route with nothing", Some(HttpJsonUnexpected), "", ""),
        saying("a route with two answers", Some(HttpJsonUnexpected), "", "{\"ok\":true}{}"),
        saying("another value", Some(HttpJsonUnexpected), "", "{\"ok\":\"true\"}"),
        saying("JSON of 60,000 levels on a route", Some(HttpJsonUnexpected), "", &deep)
            .reads(70_000),
        answering(
            "a route that is gone",
            Some((Request, HttpStatusUnexpected)),
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        ),
        answering(
            "a route that leads elsewhere",
            Some((Request, HttpStatusUnexpected)),
            "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
                .to_owned(),
        ),
        answering(
            "a body that ends early",
            Some((Transfer, HttpBodyCutOff)),
            format!("HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n{GOOD}"),
        ),
    ];
    animals.push(
        Animal::plain(
            "a body of a route without end",
            Some((Transfer, HttpBodyTooBig)),
            |mut stream| async move {
                raw::answer(&mut stream, "HTTP/1.1 200 OK\r\n\r\n").await;
                flood(stream, &[b' '; 4096]).await;
            },
        )
        .keys(KEYS)
        .reads(140_000),
    );
    animals
}

/// 200, with these headers and this body.
fn saying(name: &str, reason: Option<Reason>, headers: &str, body: &str) -> Animal {
    let phase = if reason == Some(HttpHeaderLeaked) { Request } else { Transfer };
    let length = body.len();
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {length}\r\n\r\n");
    answering(name, reason.map(|reason| (phase, reason)), format!("{head}{body}"))
}

fn answering(
    name: &str,
    ends: Option<(watchpost::outcome::phase::Phase, Reason)>,
    answer: String,
) -> Animal {
    Animal::plain(name, ends, move |mut stream: Counted| {
        let answer = answer.clone();
        // And goes.
        async move { raw::answer(&mut stream, &answer).await }
    })
    .keys(KEYS)
}
