//! Currencies as they stand beside amounts. Other words do not: `10k` is ten thousand, and `5 kg` no money.

/// The codes of ISO 4217 that are in use.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD \
    GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT \
    LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR \
    NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP \
    STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF \
    XPF YER ZAR ZMW ZWG";

/// What people write for them.
const WORDS: [&str; 24] = [
    "bs", "din", "dh", "dhs", "euro", "euros", "fr", "frs", "ft", "kč", "kr", "lei", "lek", "nt",
    "r", "rm", "rp", "rs", "sfr", "usd", "zł", "лв", "руб", "грн",
];

/// Letters that stand right before a `$`: `US$`, `A$`, `R$`.
const OF_DOLLARS: [&str; 11] = ["a", "au", "ar", "c", "ca", "hk", "mx", "nz", "r", "s", "us"];

pub(super) fn is_sign(c: char) -> bool {
    matches!(
        c,
        '$' | '£'
            | '€'
            | '¥'
            | '₹'
            | '₩'
            | '₽'
            | '₺'
            | '฿'
            | '₫'
            | '₪'
            | '₦'
            | '₴'
            | '₱'
            | '₡'
            | '₲'
            | '₸'
            | '₾'
            | '¢'
    )
}

/// Whether all words of a text are currencies, and there is one of them at most on either side.
pub(super) fn stand_in(text: &str) -> bool {
    let mut rest = text;
    let mut count = 0;
    while let Some(start) = rest.find(char::is_alphabetic) {
        let word = &rest[start..];
        let end = word
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        let lower = word.to_lowercase();
        let is_currency = CODES
            .split_whitespace()
            .any(|code| code.eq_ignore_ascii_case(word))
            || WORDS.contains(&&*lower)
            || (after.starts_with('$') && (OF_DOLLARS.contains(&&*lower) || lower == "nt"));
        if !is_currency {
            return false;
        }
        count += 1;
        rest = after;
    }
    count <= 2
}
