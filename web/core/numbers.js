/** Numbers as Python writes them. */

/** A number with so many decimals; exact halves go to the even digit, unlike in `toFixed`. */
export function fixed(value, digits) {
  if (!Number.isFinite(value)) return String(value).toLowerCase().replace("infinity", "inf");
  const size = Math.abs(value);
  let text = size.toFixed(digits);
  const [, beyond] = size.toFixed(100).split(".");
  if (/^50*$/.test(beyond.slice(digits)) && /[13579]$/.test(text)) {
    text = (size - 10 ** -digits / 2).toFixed(digits);
  }
  return value < 0 ? `-${text}` : text;
}

/** The nearest number with so many decimals. */
export function rounded(value, digits) {
  return Number(fixed(value, digits));
}

/** A fraction as text: 50 is "50.0". */
export function fraction(value) {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}
