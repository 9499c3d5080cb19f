//! Requests of pages, and what they are answered: named ones, and ones put together at random.

use std::fmt;

use watchpost::check::header::Header;

use super::chance::Chance;

/// Where a page stands.
pub enum Page {
    /// At this host.
    At(&'static str),
    /// In a sandbox.
    Sandboxed,
}

impl Page {
    /// Its address.
    pub fn url(&self, port: u16) -> String {
        match self {
            Self::At(host) => format!("http://{host}:{port}/page"),
            Self::Sandboxed => format!("http://shop.test:{port}/null"),
        }
    }

    /// What it sends in `Origin`.
    pub fn origin(&self, port: u16) -> String {
        match self {
            Self::At(host) => format!("http://{host}:{port}"),
            Self::Sandboxed => "null".to_owned(),
        }
    }
}

/// Pages that ask.
pub const PAGES: [Page; 4] =
    [Page::At("shop.test"), Page::At("xn--bcher-kva.test"), Page::At("localhost"), Page::Sandboxed];

/// A request, and what it is answered; `ORIGIN` stands for what the page sends.
pub struct Case {
    pub name: String,
    pub page: usize,
    pub method: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub credentials: bool,
    pub body: Option<&'static str>,
    pub preflight: Vec<u8>,
    pub answer: Vec<u8>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, page, method, headers, credentials, body, .. } = self;
        let page = PAGES[*page].origin(0);
        write!(f, "{name}: {page} {method} {headers:?} {body:?} credentials {credentials}")?;
        let [preflight, answer] =
            [&self.preflight, &self.answer].map(|bytes| String::from_utf8_lossy(bytes));
        write!(f, " preflight {preflight:?} answer {answer:?}")
    }
}

/// What a request asks.
#[derive(Clone, Copy)]
struct Ask(&'static str, &'static [(&'static str, &'static str)], bool);

const GET: Ask = Ask("GET", &[], false);
const COOKIES: Ask = Ask("GET", &[], true);
const PUT: Ask = Ask("PUT", &[], false);
const PUT_COOKIES: Ask = Ask("PUT", &[], true);
const AUTHORIZED: Ask = Ask("GET", &[("Authorization", "Bearer x"), ("X-A", "1")], false);
const JSON: Ask = Ask("POST", &[("Content-Type", "application/json")], false);

/// What an answer says before what the case is about; and a good answer behind a preflight.
const OK: &str = "HTTP/1.1 200 OK";
const OPEN: &str = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: ORIGIN\r\n\
    Access-Control-Allow-Credentials: true\r\n\r\n";

/// Named ones: of each, the first is the same on every page.
pub fn named() -> Vec<Case> {
    let case =
        |name: &str, page, Ask(method, headers, credentials), preflight: &str, answer: &str| Case {
            name: name.to_owned(),
            page,
            method,
            headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            credentials,
            body: None,
            preflight: preflight.as_bytes().to_vec(),
            answer: answer.as_bytes().to_vec(),
        };
    let mut cases = Vec::new();
    for page in 0..PAGES.len() {
        for (name, ask, lines) in ANSWERS {
            let answer = format!("{OK}{}\r\n\r\n", lines.replace('|', "\r\n"));
            cases.push(case(name, page, *ask, OPEN, &answer));
        }
        for (name, ask, lines) in PREFLIGHTS {
            let preflight = lines.replace('|', "\r\n").replace("{OK}", OK);
            cases.push(case(name, page, *ask, &format!("{preflight}\r\n\r\n"), OPEN));
        }
    }
    for status in STATUSES {
        let lines = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: *";
        let answer = format!("HTTP/1.1 {status} X\r\n{lines}\r\n\r\n");
        cases.push(case(&format!("status {status}"), 0, GET, OPEN, &answer));
        cases.push(case(&format!("preflight status {status}"), 0, PUT, &answer, OPEN));
        let bare = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        cases.push(case(&format!("status {status} alone"), 0, GET, OPEN, &bare));
        cases.push(case(&format!("preflight status {status} alone"), 0, PUT, &bare, OPEN));
    }
    for status in [300, 301, 302, 303, 304, 305, 307, 308] {
        for place in ["/final", "", "http://me:pw@api.test/final", "//me@api.test/final"] {
            for allow in ["", "Access-Control-Allow-Origin: *\r\n"] {
                let answer = format!("HTTP/1.1 {status} X\r\nLocation: {place}\r\n{allow}\r\n");
                cases.push(case(&format!("{status} to {place:?}"), 0, GET, OPEN, &answer));
                cases.push(case(
                    &format!("preflight {status} to {place:?}"),
                    0,
                    PUT,
                    &answer,
                    OPEN,
                ));
            }
        }
    }
    for (name, value) in SAFE {
        let headers = vec![(*name, (*value).to_owned())];
        cases.push(Case { headers, ..case(name, 0, GET, OPEN, OPEN) });
    }
    for method in METHODS {
        let preflight = OPEN
            .replace("\r\n\r\n", "\r\nAccess-Control-Allow-Methods: PATCH, put, DELETE\r\n\r\n");
        cases.push(Case { method, ..case(method, 0, GET, &preflight, OPEN) });
    }
    for (method, headers) in [("POST", &[][..]), ("PUT", &[]), ("POST", &[("Content-Type", "a/b")])]
    {
        let asks = case("a body", 0, Ask(method, headers, false), OPEN, OPEN);
        cases.push(Case { body: Some("hello"), ..asks });
    }
    cases
}

const METHODS: &[&str] =
    &["get", "HEAD", "post", "put", "PATCH", "patch", "delete", "OPTIONS", "QUERY", "X-Y", "GETS"];

const STATUSES: &[u16] = &[
    200, 201, 202, 204, 205, 206, 226, 299, 300, 304, 400, 401, 403, 404, 405, 410, 418, 429, 500,
    502, 503, 599, 600, 999,
];

/// Headers that may go unasked, or not.
const SAFE: &[(&str, &str)] = &[
    ("Accept", "text/html, */*;q=0.1"),
    ("Accept", "\"x\""),
    ("Accept", "a/b(c)"),
    ("Accept-Language", "de-CH, *;q=0.5"),
    ("Accept-Language", "de_CH"),
    ("Content-Language", "en"),
    ("Content-Language", "en@x"),
    ("Content-Type", "text/plain"),
    ("Content-Type", "text/plain;charset=utf-8"),
    ("Content-Type", "multipart/form-data; boundary=x"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Content-Type", "text/html"),
    ("Content-Type", "text/plain; charset=\"utf-8\""),
    ("Content-Type", "text/plain, text/plain"),
    ("Content-Type", "text"),
    ("Content-Type", "/"),
    ("Content-Type", ""),
    ("Range", "bytes=0-"),
    ("Range", "bytes=0-9"),
    ("Range", "bytes=-9"),
    ("Range", "bytes=9-0"),
    ("Range", "bytes=0-1,3-4"),
    ("Save-Data", "on"),
    ("DPR", "2.0"),
    ("DPR", "x"),
    ("Downlink", "1.5"),
    ("ECT", "4g"),
    ("ECT", "5g"),
    ("RTT", "50"),
    ("Viewport-Width", "1000"),
    ("Width", "1.5"),
    ("Device-Memory", "8"),
    ("Priority", "u=1"),
    ("Last-Event-ID", "1"),
    ("If-None-Match", "\"x\""),
    ("Cache-Control", "no-cache"),
    ("Pragma", "no-cache"),
    ("Purpose", "prefetch"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("X-HTTP-Method-Override", "PUT"),
    ("Upgrade-Insecure-Requests", "1"),
    ("If-Modified-Since", "Mon, 1 Jan 2024 00:00:00 GMT"),
];

/// What the answer to a request says; `|` ends a line.
const ANSWERS: &[(&str, Ask, &str)] = &[
    ("nothing", GET, ""),
    ("the origin", GET, "|Access-Control-Allow-Origin: ORIGIN"),
    ("everybody", GET, "|Access-Control-Allow-Origin: *"),
    ("null", GET, "|Access-Control-Allow-Origin: null"),
    ("an empty value", GET, "|Access-Control-Allow-Origin:"),
    ("another origin", GET, "|Access-Control-Allow-Origin: http://other.test"),
    ("the origin without its port", GET, "|Access-Control-Allow-Origin: http://shop.test"),
    ("the origin and a slash", GET, "|Access-Control-Allow-Origin: ORIGIN/"),
    ("the origin and a path", GET, "|Access-Control-Allow-Origin: ORIGIN/page"),
    ("the origin in capitals", GET, "|Access-Control-Allow-Origin: HTTP://SHOP.TEST"),
    ("a suffix of the origin", GET, "|Access-Control-Allow-Origin: ORIGIN.evil.test"),
    ("a prefix of the origin", GET, "|Access-Control-Allow-Origin: http://evilshop.test"),
    ("a pattern", GET, "|Access-Control-Allow-Origin: http://*.test"),
    ("no URL", GET, "|Access-Control-Allow-Origin: shop.test"),
    ("true", GET, "|Access-Control-Allow-Origin: true"),
    ("Null", GET, "|Access-Control-Allow-Origin: Null"),
    ("two origins with a comma", GET, "|Access-Control-Allow-Origin: ORIGIN, http://other.test"),
    ("two origins with a blank", GET, "|Access-Control-Allow-Origin: ORIGIN http://other.test"),
    ("two stars", GET, "|Access-Control-Allow-Origin: *, *"),
    ("the origin and a comma", GET, "|Access-Control-Allow-Origin: ORIGIN,"),
    (
        "the origin twice",
        GET,
        "|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Origin: ORIGIN",
    ),
    (
        "a star and the origin",
        GET,
        "|Access-Control-Allow-Origin: *|Access-Control-Allow-Origin: ORIGIN",
    ),
    (
        "an empty line and a star",
        GET,
        "|Access-Control-Allow-Origin:|Access-Control-Allow-Origin: *",
    ),
    ("the header in small letters", GET, "|access-control-allow-origin:ORIGIN"),
    ("a folded value", GET, "|Access-Control-Allow-Origin:| ORIGIN"),
    ("blanks around the value", GET, "|Access-Control-Allow-Origin: \t*\t "),
    ("a quoted origin", GET, "|Access-Control-Allow-Origin: \"ORIGIN\""),
    ("a NBSP behind the origin", GET, "|Access-Control-Allow-Origin: ORIGIN\u{a0}"),
    ("a form feed behind the star", GET, "|Access-Control-Allow-Origin: *\u{c}"),
    (
        "everybody, with cookies",
        COOKIES,
        "|Access-Control-Allow-Origin: *|Access-Control-Allow-Credentials: true",
    ),
    (
        "the origin, with cookies",
        COOKIES,
        "|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Credentials: true",
    ),
    (
        "null, with cookies",
        COOKIES,
        "|Access-Control-Allow-Origin: null|Access-Control-Allow-Credentials: true",
    ),
    ("no credentials", COOKIES, "|Access-Control-Allow-Origin: ORIGIN"),
    (
        "credentials: false",
        COOKIES,
        "|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Credentials: false",
    ),
    (
        "credentials: True",
        COOKIES,
        "|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Credentials: True",
    ),
    (
        "credentials: 1",
        COOKIES,
        "|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Credentials: 1",
    ),
    (
        "credentials twice",
        COOKIES,
        "|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Credentials: true|Access-Control-Allow-Credentials: true",
    ),
    (
        "empty credentials",
        COOKIES,
        "|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Credentials:",
    ),
    (
        "another origin, with cookies",
        COOKIES,
        "|Access-Control-Allow-Origin: http://other.test|Access-Control-Allow-Credentials: true",
    ),
    ("nothing, with cookies", COOKIES, "|Access-Control-Allow-Credentials: true"),
    ("nothing behind a preflight", JSON_OK, ""),
];

/// A request that a good preflight without lists lets through.
const JSON_OK: Ask = Ask("POST", &[], false);

/// What the preflight says.
const PREFLIGHTS: &[(&str, Ask, &str)] = &[
    ("PUT and nothing", PUT, "{OK}"),
    ("PUT and everybody", PUT, "{OK}|Access-Control-Allow-Origin: *"),
    (
        "PUT and the method",
        PUT,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: PUT",
    ),
    (
        "PUT among methods",
        PUT,
        "{OK}|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Methods: GET,POST, ,PUT,",
    ),
    (
        "PUT on two lines",
        PUT,
        "{OK}|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Methods: GET|Access-Control-Allow-Methods: PUT",
    ),
    (
        "PUT in small letters",
        PUT,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: put",
    ),
    ("every method", PUT, "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: *"),
    (
        "every method, with cookies",
        PUT_COOKIES,
        "{OK}|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Credentials: true|Access-Control-Allow-Methods: *",
    ),
    (
        "PUT, with cookies",
        PUT_COOKIES,
        "{OK}|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Credentials: true|Access-Control-Allow-Methods: PUT",
    ),
    (
        "PUT and a star, with cookies",
        PUT_COOKIES,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Credentials: true|Access-Control-Allow-Methods: PUT",
    ),
    (
        "PUT without credentials, with cookies",
        PUT_COOKIES,
        "{OK}|Access-Control-Allow-Origin: ORIGIN|Access-Control-Allow-Methods: PUT",
    ),
    (
        "methods with blanks",
        PUT,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: GET PUT",
    ),
    (
        "methods with semicolons",
        PUT,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: GET;PUT",
    ),
    (
        "a quoted method",
        PUT,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: \"PUT\"",
    ),
    (
        "a list in quotes",
        PUT,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: \"GET, PUT\"",
    ),
    (
        "bad methods before bad headers",
        AUTHORIZED,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: @|Access-Control-Allow-Headers: @",
    ),
    (
        "bad headers for a good method",
        PUT,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: PUT|Access-Control-Allow-Headers: @",
    ),
    (
        "a bad status and another origin",
        PUT,
        "HTTP/1.1 500 X|Access-Control-Allow-Origin: http://other.test",
    ),
    (
        "another origin",
        PUT,
        "{OK}|Access-Control-Allow-Origin: http://other.test|Access-Control-Allow-Methods: PUT",
    ),
    (
        "two origins",
        PUT,
        "{OK}|Access-Control-Allow-Origin: ORIGIN, *|Access-Control-Allow-Methods: PUT",
    ),
    ("no URL", PUT, "{OK}|Access-Control-Allow-Origin: shop|Access-Control-Allow-Methods: PUT"),
    ("no headers", AUTHORIZED, "{OK}|Access-Control-Allow-Origin: *"),
    (
        "all headers",
        AUTHORIZED,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: *",
    ),
    (
        "the headers",
        AUTHORIZED,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: X-a, AUTHORIZATION",
    ),
    (
        "the headers on two lines",
        AUTHORIZED,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: X-a|Access-Control-Allow-Headers: AUTHORIZATION",
    ),
    (
        "one of the headers",
        AUTHORIZED,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: X-A",
    ),
    (
        "headers with blanks",
        AUTHORIZED,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: X-A Authorization",
    ),
    (
        "headers with colons",
        AUTHORIZED,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: X-A:1",
    ),
    (
        "JSON",
        JSON,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: content-type",
    ),
    ("JSON by a star", JSON, "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Headers: *"),
    ("JSON unasked", JSON, "{OK}|Access-Control-Allow-Origin: *"),
    (
        "Max-Age",
        PUT,
        "{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: PUT|Access-Control-Max-Age: nonsense",
    ),
    (
        "100 before it",
        PUT,
        "HTTP/1.1 103 Early Hints|Link: x||{OK}|Access-Control-Allow-Origin: *|Access-Control-Allow-Methods: PUT",
    ),
];

const ORIGINS: &[&str] = &[
    "ORIGIN",
    "ORIGIN",
    "ORIGIN",
    "*",
    "*",
    "*",
    "null",
    "",
    "ORIGIN/",
    "http://shop.test",
    "ORIGIN, ORIGIN",
    "ORIGIN *",
    "*, *",
    "*,",
    "\t*",
    "* ",
    "**",
    "Null",
    "none",
    "true",
    "http://",
    "https://*",
    "ORIGIN:80",
    "//shop.test",
    "HTTP://SHOP.TEST",
    "http://other.test",
    "http://b\u{fc}cher.test",
    "http://xn--bcher-kva.test",
    "http://a b",
    "ORIGIN\u{b}",
    "*\u{c}",
    "http://a%00b",
    "http://[::1]",
    "http://[::1",
    "http://1.2.3",
    "http://256.1.1.1",
    "data:,x",
    "blob:ORIGIN/x",
    "shop.test",
    "http:shop.test",
    "http:/shop.test",
    "h\tttp://shop.test",
    "http://shop.test:x",
    "http://shop.test:0",
    "http://user@shop.test",
    "\"*\"",
    "'*'",
    "<ORIGIN>",
    "{ORIGIN}",
    "%2A",
    "*;",
    "ORIGIN#x",
    "ORIGIN?x",
    "1",
    "a:b",
    "ab.c+d-e:x",
    "1a:b",
    ":x",
    "?",
    "#",
    "ws://shop.test",
    "ftp://shop.test",
    "file:///x",
    "http://\u{ad}",
    "http://a\u{ad}b",
    "http://-a-",
    "http://a_b",
    "http://a~b",
    "http://%41",
    "http://a%20b",
    "http://a,b",
    "http://a;b",
    "http://a=b",
    "http://a&b",
    "http://a+b",
    "http://a!b",
    "http://a$b",
    "http://a'b",
    "http://a(b)",
    "http://a*b",
    "http://a<b",
    "http://a>b",
    "http://a\"b",
    "http://a`b",
    "http://a{b}",
    "http://a|b",
    "http://a^b",
    "http://a\\b",
    "http://a@b:c@d",
    "\u{1}*",
    "*\u{1}",
    "ORIGIN\u{7f}",
    "chrome://x",
    "about:blank",
    "javascript:1",
    "mailto:x",
    "foo:",
    "foo:/",
    "foo://",
    "foo:///",
    "foo:////x",
];

const METHOD_LISTS: &[&str] = &[
    "",
    "GET",
    "PUT",
    "PATCH",
    "put",
    "*",
    "PUT, PATCH",
    "patch,delete",
    "DELETE ,\tPUT",
    ",,PATCH",
    "GET PUT",
    "PUT;",
    "\"PUT\"",
    "@",
    "*, @",
    "PUT\u{1}",
    "P\u{fc}T",
    "PUT/",
    "**",
    "*PUT",
    "x-y",
    "QUERY",
    "PATCH,",
    "(PUT)",
    "PUT, PUT",
    "PUT\u{b}",
    "\u{a0}",
    ",",
    "OPTIONS",
];

const NAME_LISTS: &[&str] = &[
    "",
    "x-a",
    "X-A, Authorization",
    "*",
    "authorization",
    "content-type",
    "Content-Type, X-A, X-B",
    "x-a x-b",
    "x-a;",
    "x-a:",
    "@",
    "\"x-a\"",
    "x-b, x-a, authorization, content-type",
    "*, authorization",
    "x-*",
    "x_a",
    ",x-a,",
    "x-a\u{1}",
    "\u{fc}",
    "range, accept, if-none-match",
    "accept,accept-language,content-language,dpr,ect",
    "**",
    "Authorization, *, x-a",
];

const STATUS_LINES: &[&str] = &[
    "HTTP/1.1 204 No Content",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 200",
    "HTTP/1.1 206 X",
    "HTTP/1.1 299 X",
    "HTTP/1.1 300 X",
    "HTTP/1.1 304 X",
    "HTTP/1.1 400 X",
    "HTTP/1.1 401 X",
    "HTTP/1.1 403 X",
    "HTTP/1.1 404 X",
    "HTTP/1.1 405 X",
    "HTTP/1.1 500 X",
    "HTTP/1.1 503 X",
    "HTTP/1.1 301 X\r\nLocation: /final",
    "HTTP/1.1 302 X\r\nLocation:",
    "HTTP/1.1 307 X\r\nLocation: /final",
    "HTTP/1.1 302 X",
    "HTTP/1.1 308 X\r\nLocation: http://me:x@api.test/final",
    "HTTP/1.1 303 X\r\nLocation:\r\nLocation: /final",
    "HTTP/1.1 200 OK\r\nLocation: /final",
    "HTTP/1.1 OK",
    "HTTP/1.1 100 X\r\n\r\nHTTP/1.1 200 OK",
    "http/2 200 X",
    "HTTP/1.1 999 X",
    "HTTP/1.1 1000 X",
];

const ASK_METHODS: &[&str] = &[
    "GET", "GET", "GET", "HEAD", "POST", "PUT", "PUT", "PATCH", "patch", "DELETE", "delete",
    "OPTIONS", "QUERY", "X-Y",
];

const ASK_HEADERS: &[(&str, &str)] = &[
    ("X-A", "1"),
    ("X-A", "1"),
    ("X-B", ""),
    ("Authorization", "Basic eDp5"),
    ("Authorization", "Bearer x"),
    ("Content-Type", "application/json"),
    ("Content-Type", "text/plain"),
    ("Content-Type", "TEXT/PLAIN ; x"),
    ("Content-Type", " text/plain"),
    ("Content-Type", ";"),
    ("Content-Type", "text/plain;charset=a,b"),
    ("Content-Type", "text/plain;;;"),
    ("Content-Type", "text/plain /x"),
    ("Content-Type", "text/ plain"),
    ("Content-Type", "multipart/form-data;\u{e9}"),
    ("Accept", "*/*"),
    ("Accept", "a,b;c=\"d\""),
    ("Accept", ""),
    ("Accept", "\u{e9}"),
    ("Accept-Language", "en, de;q=0.1"),
    ("Accept-Language", "en/de"),
    ("Content-Language", "*"),
    ("Range", "bytes=5-9"),
    ("Range", "bytes=0-"),
    ("Range", "Bytes=0-"),
    ("Range", "bytes= 0-"),
    ("Range", "bytes=0 - 5"),
    ("Range", "bytes=1-2,4-5"),
    ("Range", "items=0-5"),
    ("Range", "bytes=18446744073709551616-"),
    ("If-None-Match", "x"),
    ("DPR", "1"),
    ("DPR", "1e3"),
    ("DPR", "-1"),
    ("Downlink", ".5"),
    ("ECT", "3G"),
    ("Save-Data", "ON"),
    ("RTT", "+5"),
    ("Width", "007"),
    ("Device-Memory", "0.25"),
    ("Viewport-Width", ""),
    ("Sec-CH-UA", "x"),
    ("X-Requested-With", "XMLHttpRequest"),
    ("Cache-Control", "max-age=0"),
    ("Referer-X", "a"),
    ("User-Agent-X", "a"),
];

const ASIDE: &[&str] = &[
    "Vary: Origin",
    "Content-Length: 0",
    "Access-Control-Max-Age: 600",
    "Access-Control-Expose-Headers: *",
    "Timing-Allow-Origin: *",
    "Access-Control-Allow-Private-Network: true",
    "X: \u{1}",
    "nonsense",
    ": x",
    "Cross-Origin-Resource-Policy: cross-origin",
    "Set-Cookie: a=b",
    "Content-Type: text/html",
];

/// What strikes a byte of an answer, and a character of what is asked.
const BYTES: &[u8] = b" \t\r\n,:;*\"'=/.-_\x01\x7f\x80\xffAaOo09";
const CHARACTERS: &[char] = &[
    ' ', '\t', '"', '(', ',', '/', ':', ';', '<', '=', '?', '@', '[', '\\', '{', '*', '-', '.',
    '_', '+', 'a', 'Z', '0', '9', '\u{e9}',
];

/// A request with an answer that may be good.
pub fn random(chance: &mut Chance) -> Case {
    let method = chance.of(ASK_METHODS);
    let count = chance.of(&[0, 0, 0, 1, 1, 2, 3]);
    let headers: Vec<_> = (0..count)
        .map(|_| {
            let (name, mut value) = odd_header(chance);
            if chance.once_in(40) {
                value = "0123456789abcdef,".repeat(8)[..chance.of(&[127, 128, 129])].to_owned();
            }
            (name, value)
        })
        .filter(|(name, value)| Header::from_page(name, value).is_ok())
        .collect();
    let with_body = !matches!(method, "GET" | "HEAD") && chance.once_in(4);
    Case {
        name: "random".to_owned(),
        page: chance.below(PAGES.len()),
        method,
        headers,
        credentials: chance.once_in(3),
        body: with_body.then_some("hello"),
        preflight: answer(chance, 1),
        answer: answer(chance, 2),
    }
}

/// A header of a page, once in three times with one other character.
fn odd_header(chance: &mut Chance) -> (&'static str, String) {
    let (name, value) = chance.of(ASK_HEADERS);
    let mut characters: Vec<_> = value.chars().collect();
    if chance.once_in(3) {
        let at = chance.below(characters.len() + 1);
        if chance.once_in(2) {
            characters.truncate(at);
        }
        characters.insert(at.min(characters.len()), chance.of(CHARACTERS));
    }
    (name, characters.into_iter().collect())
}

/// An answer to a preflight or to a request; once in so many times, each part is an odd one.
fn answer(chance: &mut Chance, rarity: usize) -> Vec<u8> {
    let odd = |chance: &mut Chance, times: usize| chance.once_in(times * rarity);
    let status = if odd(chance, 6) { chance.of(STATUS_LINES) } else { "HTTP/1.1 200 OK" };
    let mut lines = Vec::new();
    let mut say = |chance: &mut Chance, name: &str, value: &str| {
        let name = if chance.once_in(8) { name.to_ascii_lowercase() } else { name.to_owned() };
        let colon = chance.of(&[": ", ": ", ": ", ":", " : ", ":\t", ":\r\n "]);
        lines.push(format!("{name}{colon}{value}"));
    };
    for (name, usual, values) in [
        ("Access-Control-Allow-Origin", "ORIGIN", ORIGINS),
        (
            "Access-Control-Allow-Credentials",
            "true",
            &["true", "TRUE", "false", "", "true,", "\"true\"", "true true", "1"][..],
        ),
        (
            "Access-Control-Allow-Methods",
            "PUT, DELETE, PATCH, patch, QUERY, X-Y, OPTIONS",
            METHOD_LISTS,
        ),
        (
            "Access-Control-Allow-Headers",
            "*, x-a, x-b, authorization, content-type, range, accept",
            NAME_LISTS,
        ),
    ] {
        // An odd value, an odd one beside the usual, none at all; or the usual.
        let odd = chance.of(values);
        match chance.below(6 * rarity) {
            0 => say(chance, name, odd),
            1 if chance.once_in(3) => {
                say(chance, name, usual);
                say(chance, name, odd);
            }
            1 => {}
            _ => say(chance, name, usual),
        }
    }
    for _ in 0..chance.of(&[0, 0, 1, 2]) {
        lines.push(chance.of(ASIDE).to_owned());
    }
    let mut bytes = format!("{status}\r\n{}\r\n\r\n", lines.join("\r\n")).into_bytes();
    if chance.once_in(6) {
        let at = chance.below(bytes.len());
        let byte = chance.of(BYTES);
        match chance.below(3) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, byte),
            _ => bytes[at] = byte,
        }
        // Without TLS, Chromium takes a head that is cut off, unlike that of an upgrade.
        bytes.extend_from_slice(b"\r\n\r\n");
    }
    bytes
}
