/**
 * Reads JSON that may come from anybody: nothing twice, nothing endless, nothing too deep.
 *
 * JSON.parse keeps the last of two equal keys and does not tell 1 from 1.0; a contract must.
 */

const MAX_DEPTH = 32;
const MAX_DIGITS = 400;

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS = { true: true, false: false, null: null };

/** A number that was written with a fraction or an exponent. */
export class Fraction {
  constructor(value) {
    this.value = value;
  }
}

/**
 * Reads a document. Objects become Maps, numbers with a fraction `Fraction`s.
 *
 * @param {string} text JSON.
 * @throws {SyntaxError} Not JSON, too deep, a key twice, NaN, Infinity or a number that is too large.
 */
export function parse(text) {
  let at = 0;
  const fail = (why) => {
    throw new SyntaxError(`${why} at character ${at}`);
  };
  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const take = (character) => {
    match(SPACE);
    if (text[at] !== character) return false;
    at++;
    return true;
  };
  const string = () => {
    match(SPACE);
    const found = match(STRING);
    return found ? JSON.parse(found[0]) : fail("expected a text in double quotes");
  };
  const value = (depth) => {
    if (depth > MAX_DEPTH) fail(`lists and objects lie more than ${MAX_DEPTH} deep`);
    if (take("{")) {
      const object = new Map();
      if (take("}")) return object;
      do {
        const key = string();
        if (object.has(key)) fail(`the key ${JSON.stringify(key.slice(0, 60))} is there twice,`);
        if (!take(":")) fail("expected a colon");
        object.set(key, value(depth + 1));
      } while (take(","));
      return take("}") ? object : fail("expected a comma or the end of an object");
    }
    if (take("[")) {
      const list = [];
      if (take("]")) return list;
      do list.push(value(depth + 1));
      while (take(","));
      return take("]") ? list : fail("expected a comma or the end of a list");
    }
    if (text[at] === '"') return string();
    for (const [word, meaning] of Object.entries(WORDS)) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return meaning;
      }
    }
    const found = match(NUMBER);
    if (!found) fail(at < text.length ? `unexpected ${JSON.stringify(text[at])}` : "unexpected end");
    const number = Number(found[0]);
    if (found[0].length > MAX_DIGITS || !Number.isFinite(number)) {
      fail(`the number ${found[0].slice(0, 40)} is too large or too long`);
    }
    return found[1] || found[2] ? new Fraction(number) : number;
  };
  const document = value(0);
  match(SPACE);
  if (at < text.length) fail("something follows the document");
  return document;
}

/** The same as plain objects and numbers. */
export function plain(value) {
  if (value instanceof Fraction) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, plain(v)]));
  return value;
}
