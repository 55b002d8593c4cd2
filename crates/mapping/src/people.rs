//! By what a person is the same person: an e-mail address without letter case, a phone number in E.164.
//!
//! Phone numbers are read by `rlibphonenumber`, a port of Google's libphonenumber with its metadata of all countries.
//! A number with country code is read anywhere; one in a national form (`020 7946 0000`) only with the country that it is
//! of, which is the location's.

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region};

/// A country by whose rules numbers without country code are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country(Region);

impl Country {
    /// From its ISO 3166-1 code of two letters, as locations have it (`GB`). `None`: there is no such country.
    pub fn of(code: &str) -> Option<Self> {
        let code = code.trim().to_ascii_uppercase();
        // People write it so; the code is of no number.
        let code = if code == "UK" { "GB" } else { &*code };
        code.parse().ok().map(Self)
    }
}

/// Why a text is no phone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// `12015550115.0`, `1.20156E+10`: some digits may be lost already.
    #[error(
        "a spreadsheet made a number of it; format the column as text and write the phone number anew"
    )]
    Broken,
    /// A national form, and no country.
    #[error(
        "it has no country code, and the country of the location is not known; write it with one, +44 20 7946 0000"
    )]
    NoCountry,
    #[error("it is no phone number; write it with country code, +44 20 7946 0000")]
    NoNumber,
    /// `+39 6 1234 5678`: another person's, or nobody's.
    #[error("in Italy the 0 belongs to the number, also behind the country code: write it as {0}")]
    NoZero(String),
}

/// A phone number in E.164: `+442079460000`. One with an extension is refused: HighLevel keeps none, and behind the
/// number of a firm are several people.
pub fn e164(text: &str, country: Option<Country>) -> Result<String, PhoneError> {
    let plain = plain(text);
    let text = plain.trim();
    if is_broken(text) {
        return Err(PhoneError::Broken);
    }
    let fits = |letter: char| letter.is_ascii_digit() || " +-()./\u{a0}".contains(letter);
    if !text.chars().all(fits) || text.chars().filter(char::is_ascii_digit).count() < 5 {
        return Err(PhoneError::NoNumber);
    }
    if country.is_none() && !text.starts_with('+') {
        // Guessing at a lost plus sign makes an Egyptian number of an American one.
        return Err(PhoneError::NoCountry);
    }
    let read = PHONE_NUMBER_UTIL.parse(text, country.map(|country| country.0));
    let number = read.map_err(|_| PhoneError::NoNumber)?;
    // Ranges are opened faster than libraries learn of it, so that the length has to do where the country is written. What is
    // read by the location's country may be of another one (0061 is Australia's code only abroad).
    let has_country = text.starts_with('+');
    if let Some(whole) = with_zero(&number) {
        return Err(PhoneError::NoZero(whole));
    }
    if number.is_valid() || has_country && number.is_possible_with_reason().is_ok() {
        Ok(written(&number))
    } else {
        Err(PhoneError::NoNumber)
    }
}

/// As it reads: without the marks that phones' contacts put around a number and nobody sees (direction of writing, zero
/// width), with plain hyphens, and with the digits that its reader would dial.
pub(crate) fn plain(text: &str) -> String {
    let digit =
        |letter: char, zero: char| char::from_digit(u32::from(letter) - u32::from(zero), 10);
    let letters = text.chars().filter_map(|letter| match letter {
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{ad}'
        | '\u{feff}' => None,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}' => Some('-'),
        '\u{ff0b}' => Some('+'),
        '\u{660}'..='\u{669}' => digit(letter, '\u{660}'),
        '\u{6f0}'..='\u{6f9}' => digit(letter, '\u{6f0}'),
        '\u{966}'..='\u{96f}' => digit(letter, '\u{966}'),
        '\u{ff10}'..='\u{ff19}' => digit(letter, '\u{ff10}'),
        other => Some(other),
    });
    letters.collect()
}

/// The Italian number that one without its zero is meant for; two notations would be two people.
fn with_zero(number: &PhoneNumber) -> Option<String> {
    const ITALY: &str = "+39";
    let written = written(number);
    let rest = written
        .strip_prefix(ITALY)
        .filter(|rest| !rest.starts_with('0'))?;
    let whole = PHONE_NUMBER_UTIL
        .parse(format!("{ITALY}0{rest}"), None)
        .ok()?;
    (!number.is_valid() && whole.is_valid()).then(|| self::written(&whole))
}

fn written(number: &PhoneNumber) -> String {
    number.format_as(PhoneNumberFormat::E164).into_owned()
}

/// What a spreadsheet makes of a column of numbers.
fn is_broken(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((number, exponent)) = text.split_once(['E', 'e']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let number = number.replacen([',', '.'], "", 1);
        return digits(&number) && digits(exponent);
    }
    let Some((whole, fraction)) = text.split_once(['.', ',']) else {
        return false;
    };
    digits(whole)
        && whole.len() > 6
        && !fraction.is_empty()
        && fraction.bytes().all(|byte| byte == b'0')
}

/// An e-mail address as it is compared: the whole address without letter case, as HighLevel compares it.
pub fn email_key(address: &str) -> String {
    address.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_one_however_it_is_written() {
        for (text, country, expected) in [
            ("+1 (201) 555-0115", None, "+12015550115"),
            ("12015550115", Some("US"), "+12015550115"),
            ("(201) 555-0115", Some("US"), "+12015550115"),
            ("201.555.0115", Some("us"), "+12015550115"),
            ("020 7946 0000", Some("GB"), "+442079460000"),
            ("020 7946 0000", Some("UK"), "+442079460000"),
            ("+39 320 123 4567", None, "+393201234567"),
            ("+44 (0)20 7946 0000", None, "+442079460000"),
            ("+44 20 7946 0000", Some("US"), "+442079460000"),
            ("0044 20 7946 0000", Some("DE"), "+442079460000"),
            ("030 123456", Some("DE"), "+4930123456"),
            ("06 1234 5678", Some("IT"), "+390612345678"),
            ("0011 61 2 5550 1234", Some("AU"), "+61255501234"),
            ("(02) 5550 1234", Some("AU"), "+61255501234"),
            ("+39 06 1234 5678", None, "+390612345678"),
            (
                "\u{202a}+44\u{a0}7400\u{a0}123456\u{202c}",
                None,
                "+447400123456",
            ),
            ("07400\u{2011}123456", Some("GB"), "+447400123456"),
            (
                "\u{200e}+1 201\u{2013}555\u{2212}0115\u{feff}",
                None,
                "+12015550115",
            ),
            ("+\u{664}\u{664} 7400 12345\u{666}", None, "+447400123456"),
            ("\u{ff0b}\u{ff14}\u{ff14}7400123456", None, "+447400123456"),
        ] {
            let country = country.map(|code| Country::of(code).unwrap());
            assert_eq!(e164(text, country).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_told_from_what_lacks_its_country() {
        for (text, country, expected) in [
            ("12015550115.0", None, PhoneError::Broken),
            ("12015550115,00", Some("DE"), PhoneError::Broken),
            ("1.2E+10", Some("US"), PhoneError::Broken),
            ("1,20156E+10", None, PhoneError::Broken),
            ("020 7946 0000", None, PhoneError::NoCountry),
            ("(201) 555-0115", None, PhoneError::NoCountry),
            ("12015550115", None, PhoneError::NoCountry),
            ("12015550115", Some("GB"), PhoneError::NoNumber),
            ("123", Some("US"), PhoneError::NoNumber),
            ("call me", Some("US"), PhoneError::NoNumber),
            ("+1 201-555-0115 ext. 12", None, PhoneError::NoNumber),
            ("+44 7400 12345\u{b2}", None, PhoneError::NoNumber),
            ("+999 20 7946 0000", None, PhoneError::NoNumber),
            (
                "+39 6 1234 5678",
                None,
                PhoneError::NoZero("+390612345678".to_owned()),
            ),
            // Australia dials 0011 for abroad: this would be a number of its own with a zero too many.
            ("0061 2 5550 1234", Some("AU"), PhoneError::NoNumber),
        ] {
            let country = country.map(|code| Country::of(code).unwrap());
            assert_eq!(e164(text, country), Err(expected), "{text}");
        }
        assert_eq!(Country::of("Atlantis"), None);
        assert_eq!(Country::of(""), None);
    }

    #[test]
    fn addresses_have_no_letter_case() {
        assert_eq!(email_key(" Ada@Example.COM "), "ada@example.com");
        assert_eq!(email_key("ÄDA@example.com"), "äda@example.com");
    }
}
