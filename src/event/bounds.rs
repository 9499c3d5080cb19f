//! How much of a document is read at all: looked at byte by byte, before anything is made of it.

use super::fault::Fault;

/// Objects and lists in each other.
pub const MAX_DEPTH: u32 = 32;

/// Fields in a document, over all its objects.
pub const MAX_FIELDS: u32 = 256;

/// Bytes of a name or a text, as it is written.
pub const MAX_TEXT_BYTES: u32 = 8 * 1024;

/// Whether a document keeps within the bounds. Whether it is JSON, this does not say.
pub fn check(document: &[u8]) -> Result<(), Fault> {
    let (mut depth, mut fields) = (0_u32, 0_u32);
    let mut bytes = document.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => pass_text(&mut bytes)?,
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Fault::Deep);
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b':' => {
                fields += 1;
                if fields > MAX_FIELDS {
                    return Err(Fault::ManyFields);
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Goes to the end of a text; what is not ended, the reading refuses.
fn pass_text(bytes: &mut std::slice::Iter<'_, u8>) -> Result<(), Fault> {
    let mut length = 0_u32;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return Ok(()),
            b'\\' => {
                bytes.next();
                length += 2;
            }
            _ => length += 1,
        }
        if length > MAX_TEXT_BYTES {
            return Err(Fault::LongText);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bound_holds_at_its_edge() {
        let depth = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let fields = |n: usize| format!("{{{}}}", vec!["\"a\":1"; n].join(","));
        let text = |n: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(n));
        for (document, expected) in [
            (depth(32), Ok(())),
            (depth(33), Err(Fault::Deep)),
            (depth(1_000_000), Err(Fault::Deep)),
            (fields(256), Ok(())),
            (fields(257), Err(Fault::ManyFields)),
            (text(8192), Ok(())),
            (text(8193), Err(Fault::LongText)),
            (format!("{{\"{}\":1}}", "x".repeat(8193)), Err(Fault::LongText)),
            (format!("\"{}\"", "\\\"".repeat(4096)), Ok(())),
            (format!("\"{}\"", "\\\"".repeat(4097)), Err(Fault::LongText)),
            ("\"[[[[{{{{::::\"".repeat(100), Ok(())),
        ] {
            assert_eq!(check(document.as_bytes()), expected, "{:.40}", document);
        }
    }
}
