/**
 * Reads an HTTP date in any of its three forms (RFC 9110 §5.6.7). Seconds since the epoch; -1 = it is none. What other
 * readers guess at (`Sun, 32 Feb`, a zone, a missing field) is none.
 */
export function readHttpDate(text: string, nowSecs: number): number {
  const fixed = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/.exec(text);
  if (fixed !== null) return seconds(fixed[3]!, fixed[2]!, fixed[1]!, fixed, 4);
  const old = /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/.exec(text);
  if (old !== null) return seconds(fullYear(Number(old[3]), nowSecs), old[2]!, old[1]!, old, 4);
  const asc = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/.exec(text);
  if (asc !== null) return seconds(asc[6]!, asc[1]!, asc[2]!, asc, 3);
  return -1;
}

/** A year of two digits that seems to be more than 50 years ahead is the last one that ended so. */
function fullYear(twoDigits: number, nowSecs: number): string {
  const thisYear = new Date(nowSecs * 1000).getUTCFullYear();
  const year = Math.floor(thisYear / 100) * 100 + twoDigits;
  return String(year > thisYear + 50 ? year - 100 : year).padStart(4, "0");
}

function seconds(year: string, month: string, day: string, parts: RegExpExecArray, timeAt: number): number {
  const monthIndex = MONTHS.indexOf(month);
  if (monthIndex < 0) return -1;
  const [hour, minute, second] = [
    Number(parts[timeAt]),
    Number(parts[timeAt + 1]),
    Number(parts[timeAt + 2]),
  ];
  if (hour > 23 || minute > 59 || second > 60) return -1;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(day));
  // The 31st of February is the 3rd of March to Date.
  if (date.getUTCDate() !== Number(day)) return -1;
  date.setUTCHours(hour, minute, Math.min(second, 59));
  return Math.max(0, Math.floor(date.getTime() / 1000));
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
