//! Numbers that somebody can be called at, made unreadable in what people wrote and were told.
//!
//! It errs on the side of masking: a row of figures may go as well. Dates, addresses of machines, ids and digests stay, since they tell what went wrong.

/// Signs of a date.
const DATE: usize = 10;
/// Fewer digits are an amount, a year, a time.
const FEWEST: usize = 7;
/// Digits in one run, without a plus or anything between them: fewer are a size, more are a moment or a seed.
const RUN: std::ops::RangeInclusive<usize> = 9..=12;

/// A text in which no number of a phone is whole, however it is written: `+1 (555) 867-5310` becomes `+15•••10`.
pub fn numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(sign) = rest.chars().next() {
        let found = (!before.is_alphanumeric() && begins(rest)).then(|| candidate(rest));
        let length = match found {
            Some(written) if is_number(written, rest[written.len()..].chars().next()) => {
                out.push_str(&masked(written));
                written.len()
            }
            Some(written) => {
                let length = passed_over(written);
                out.push_str(&rest[..length]);
                length
            }
            None => {
                out.push(sign);
                sign.len_utf8()
            }
        };
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    out
}

fn begins(rest: &str) -> bool {
    let mut signs = rest.chars();
    match signs.next() {
        Some('+' | '(') => signs.next().is_some_and(|sign| sign.is_ascii_digit() || sign == '('),
        Some(sign) => sign.is_ascii_digit(),
        None => false,
    }
}

/// Digits and what people put between them, to the last digit.
fn candidate(rest: &str) -> &str {
    let mut gap = 0;
    let mut end = 0;
    for (at, sign) in rest.char_indices() {
        match sign {
            '0'..='9' => {
                gap = 0;
                end = at + 1;
            }
            '+' if at == 0 => {}
            ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' if gap < 3 => gap += 1,
            _ => break,
        }
    }
    &rest[..end]
}

fn is_number(written: &str, next: Option<char>) -> bool {
    let digits = written.bytes().filter(u8::is_ascii_digit).count();
    if digits < FEWEST {
        return false;
    }
    if written.starts_with('+') {
        return true;
    }
    if digits == written.len() {
        // Before a letter it is the beginning of an id or a digest.
        return RUN.contains(&digits) && !next.is_some_and(char::is_alphanumeric);
    }
    !is_date(written) && !is_address(written) && !is_decimal(written)
}

/// How much of what is no number is looked at no more.
fn passed_over(written: &str) -> usize {
    if is_date(written) {
        return DATE;
    }
    if is_address(written) || is_decimal(written) {
        return written.len();
    }
    let run = written.find(|sign: char| !sign.is_ascii_digit() && sign != '+').unwrap_or(written.len());
    run.max(1)
}

/// `2026-11-23`, and what follows it.
fn is_date(written: &str) -> bool {
    let mut parts = written.splitn(3, '-').map(|part| part.bytes().take_while(u8::is_ascii_digit).count());
    (parts.next(), parts.next(), parts.next()) == (Some(4), Some(2), Some(2))
}

/// `1234.567`.
fn is_decimal(written: &str) -> bool {
    written.bytes().filter(|sign| !sign.is_ascii_digit()).eq(std::iter::once(b'.'))
}

/// `192.168.100.200`.
fn is_address(written: &str) -> bool {
    written.parse::<std::net::Ipv4Addr>().is_ok()
}

/// As [`super::Phone`] is shown.
fn masked(written: &str) -> String {
    let plus = if written.starts_with('+') { "+" } else { "" };
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    format!("{plus}{}•••{}", &digits[..2], &digits[digits.len() - 2..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_masked_however_it_is_written() {
        for (written, shown) in [
            ("call +1 555 867 5310 about 1200 dollars", "call +15•••10 about 1200 dollars"),
            ("(555) 867-5310, in 2026.", "55•••10, in 2026."),
            ("555.867.5310", "55•••10"),
            ("my number:5558675310!", "my number:55•••10!"),
            ("+15550102001 (and +15550102002), 1 + 1, +1234", "+15•••01 (and +15•••02), 1 + 1, +1234"),
            ("867-5310 or 0044 20/7946 0958", "86•••10 or 00•••58"),
            ("+(1)5558675310x", "+15•••10x"),
            ("since 2026-11-23 555 867 5310", "since 2026-11-23 55•••10"),
        ] {
            assert_eq!(numbers(written), shown, "{written}");
        }
    }

    #[test]
    fn what_is_no_number_to_call_stays() {
        for text in [
            "wtaf a\n tip calculator 3+4",
            "at 2026-11-23 23:58:17, from 192.168.100.200:3030",
            "job 01M85DJ82QXN5127FRSK3FDDB3, digest 12345678abcd",
            "took 1234.567 ms",
            "33554432 bytes, seed 17954130000001234, now 1795413000000",
            "",
            "+",
            "( (1)",
            "ä+ö 12 ü",
        ] {
            assert_eq!(numbers(text), text);
        }
    }
}
