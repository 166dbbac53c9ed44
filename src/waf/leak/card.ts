/** One number that may be a payment card's, in a latin-1 text. */
export interface CardNumber {
  readonly start: number;
  readonly end: number;
}

/** Longest form: 19 digits in groups of four. */
export const CARD_BYTES_MAX = 23;

/**
 * The card number that begins at `at`, or undefined: 14 to 19 digits as issuers give them out, whole or in groups (4-4-4-4,
 * 4-6-5) with one separator, with the right check digit (Luhn), and nothing beside it that makes it a part of something
 * else. Numbers that payment providers publish for tests are no secret. Visa's old ones of 13 digits are left out: they look
 * like times in milliseconds.
 */
export function cardAt(text: string, at: number): CardNumber | undefined {
  if (!isDigit(text, at) || isJoint(text, at - 1)) return undefined;
  let digits = "";
  let separator = "";
  let groups = "";
  let group = 0;
  let end = at;
  for (let i = at; i <= at + CARD_BYTES_MAX && digits.length < 20; i++) {
    if (isDigit(text, i)) {
      digits += text[i];
      group++;
      end = i + 1;
      continue;
    }
    const char = text[i];
    if ((char !== " " && char !== "-") || (separator !== "" && char !== separator) || !isDigit(text, i + 1))
      break;
    separator = char;
    groups += `${group},`;
    group = 0;
  }
  if (separator !== "" && !isGrouping(`${groups}${group}`)) return undefined;
  if (isJoint(text, end) || !isIssued(digits) || !isChecked(digits) || published.has(digits))
    return undefined;
  return { start: at, end };
}

function isGrouping(groups: string): boolean {
  return /^(?:4,4,4,4(?:,[1-3])?|4,6,[45]|4,4,4,[1-3])$/.test(groups);
}

/** Prefixes and lengths of the large networks. */
function isIssued(digits: string): boolean {
  const two = Number(digits.slice(0, 2));
  const four = Number(digits.slice(0, 4));
  switch (digits.length) {
    case 14:
      return two === 36 || two === 38 || (four >= 3000 && four <= 3059);
    case 15:
      return two === 34 || two === 37;
    case 16:
      return (
        digits[0] === "4" ||
        (two >= 51 && two <= 55) ||
        (four >= 2221 && four <= 2720) ||
        four === 6011 ||
        two === 65 ||
        (four >= 6440 && four <= 6499) ||
        (four >= 3528 && four <= 3589) ||
        two === 62
      );
    case 19:
      return digits[0] === "4" || two === 62;
    default:
      return false;
  }
}

/** Luhn, ISO/IEC 7812-1 annex B. */
function isChecked(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    if (i % 2 === 1) digit = digit > 4 ? 2 * digit - 9 : 2 * digit;
    sum += digit;
  }
  // All zeros, and one digit again and again, pass too.
  return sum % 10 === 0 && !/^(\d)\1*$/.test(digits);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

/** Part of a word, a longer number, a decimal, a path, a query or an id. */
function isJoint(text: string, at: number): boolean {
  return at >= 0 && at < text.length && /[\w.\-/%&=#+@$]/.test(text[at]!) && !isStop(text, at);
}

/** The end of a sentence. */
function isStop(text: string, at: number): boolean {
  return text[at] === "." && !/\d/.test(text[at + 1] ?? "");
}

/** https://docs.stripe.com/testing, https://docs.adyen.com/development-resources/testing/test-card-numbers */
const published: ReadonlySet<string> = new Set([
  "4242424242424242",
  "4111111111111111",
  "4000000000000002",
  "4000056655665556",
  "4012888888881881",
  "5555555555554444",
  "5105105105105100",
  "5200828282828210",
  "2223003122003222",
  "378282246310005",
  "371449635398431",
  "6011111111111117",
  "6011000990139424",
  "30569309025904",
  "38520000023237",
  "3566002020360505",
  "3530111333300000",
  "6200000000000005",
]);
