//! Reads DER (X.690) one element at a time, as far as OCSP answers need it.

use jiff::Timestamp;

/// Tags of the elements that are read.
pub mod tag {
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// ENUMERATED.
    pub const ENUMERATED: u8 = 0x0a;
    /// GeneralizedTime.
    pub const TIME: u8 = 0x18;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// `[n]` around something else.
    pub const fn explicit(number: u8) -> u8 {
        0xa0 | number
    }
    /// `[n]` in place of a primitive's tag.
    pub const fn implicit(number: u8) -> u8 {
        0x80 | number
    }
}

/// One element.
#[derive(Debug, Clone, Copy)]
pub struct Element<'a> {
    /// Its tag.
    pub tag: u8,
    /// What is in it.
    pub content: &'a [u8],
    /// All of it, tag and length included.
    pub whole: &'a [u8],
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element, whatever it is.
    pub fn any(&mut self) -> Option<Element<'a>> {
        let [tag, first, rest @ ..] = self.0 else { return None };
        let (length, behind) = match first {
            0..=0x7f => (usize::from(*first), rest),
            // What is longer than this is not looked at at all.
            0x81..=0x83 => {
                let (octets, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = octets.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
                (length, behind)
            }
            _ => return None,
        };
        let (content, left) = behind.split_at_checked(length)?;
        let whole = self.0.get(..self.0.len() - left.len())?;
        self.0 = left;
        Some(Element { tag: *tag, content, whole })
    }

    /// The next element, if it has this tag.
    pub fn next(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let element = ahead.any().filter(|element| element.tag == tag)?;
        *self = ahead;
        Some(element)
    }

    /// What is in the next element, if it has this tag.
    pub fn within(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.next(tag).map(|element| Reader(element.content))
    }

    /// A BIT STRING of whole octets.
    pub fn bits(&mut self) -> Option<&'a [u8]> {
        let (unused, bits) = self.next(tag::BIT_STRING)?.content.split_first()?;
        (*unused == 0).then_some(bits)
    }

    /// A GeneralizedTime as RFC 5280 has it: to the second, in UTC.
    pub fn time(&mut self) -> Option<Timestamp> {
        let text = std::str::from_utf8(self.next(tag::TIME)?.content).ok()?;
        let digits = text.strip_suffix('Z').filter(|digits| digits.len() == 14)?;
        let part = |from: usize, to: usize| -> Option<&str> {
            digits.get(from..to).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let date = format!("{}-{}-{}", part(0, 4)?, part(4, 6)?, part(6, 8)?);
        let time = format!("{}:{}:{}", part(8, 10)?, part(10, 12)?, part(12, 14)?);
        format!("{date}T{time}Z").parse().ok()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_one_of_the_calendar() {
        let time =
            |text: &str| Reader(&[&[0x18, text.len() as u8], text.as_bytes()].concat()).time();
        assert_eq!(time("20261121090807Z"), "2026-11-21T09:08:07Z".parse().ok());
        for wrong in ["20261121090807", "20261321090807Z", "20261121090807.5Z", "+2026112109080Z"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_longer_than_what_came_is_none() {
        for bytes in [&[0x30][..], &[0x30, 1], &[0x30, 0x80, 0, 0], &[0x30, 0x84, 0, 0, 0, 0]] {
            assert!(Reader(bytes).any().is_none(), "{bytes:?}");
        }
        let mut reader = Reader(&[0x30, 0x81, 1, 7, 5, 0]);
        assert!(reader.next(tag::INTEGER).is_none(), "another one");
        assert_eq!(reader.next(tag::SEQUENCE).unwrap().content, [7]);
        assert_eq!(reader.any().unwrap().whole, [5, 0]);
        assert!(reader.is_empty());
    }

    proptest! {
        #[test]
        fn elements_are_all_that_is_read(bytes: Vec<u8>) {
            let mut reader = Reader(&bytes);
            let mut read = 0;
            while let Some(element) = reader.any() {
                prop_assert_eq!(element.whole, &bytes[read..read + element.whole.len()]);
                prop_assert!(element.whole.ends_with(element.content));
                read += element.whole.len();
            }
            prop_assert_eq!(reader.0, &bytes[read..]);
        }
    }
}
