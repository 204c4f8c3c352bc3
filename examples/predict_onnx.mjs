// Predict with a file of `sentiment export` in JavaScript.
//
//     npm install onnxruntime-web
//     node predict_onnx.mjs model.onnx "What a film!"
//     node predict_onnx.mjs model.onnx < texts.txt        # one text a line
//
// Each answer is a line of JSON. docs/export.md describes the file. A page needs the classes only.

import { readFileSync } from "node:fs";
import { InferenceSession, Tensor, env } from "onnxruntime-web";

const UNKNOWN = 1; // the id of a word that the model does not know; 0 is padding
const regex = (rule, more = "") => (rule ? new RegExp(rule.javascript, rule.flags + more) : /(?!)/u);

// The fields of a message of protobuf that are messages or texts: number and bytes.
function* readFields(bytes) {
  let at = 0;
  const number = () => {
    for (let value = 0, unit = 1; ; unit *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * unit;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const size = [0, 8, null, null, null, 4][tag & 7] ?? number();
    if ((tag & 7) === 0) number();
    if ((tag & 7) === 2) yield [tag >> 3, bytes.subarray(at, at + size)];
    at += size;
  }
}

export function readMetadata(bytes) {
  const decode = (part) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(part);
  for (const [field, entry] of readFields(bytes)) {
    const [[, key], [, value]] = field === 14 ? [...readFields(entry)] : [[], []];
    if (key && decode(key) === "sentiment") return JSON.parse(decode(value));
  }
  throw new Error("this is no file of sentiment export");
}

// Plain signs, no markup, single spaces.
export class Normaliser {
  constructor(rules) {
    this.rules = rules;
    for (const name of ["markup", "space", "long_run", "unfinished"]) this[name] = regex(rules[name], "g");
    this.invisible = rules.invisible.map(({ pattern, by }) => [regex(pattern, "g"), by]);
    this.entity = regex(rules.entities?.pattern, "g");
  }

  normalise(text) {
    for (let pass = 0; pass < this.rules.passes; pass++) {
      const before = text;
      text = this.once(text);
      if (text === before) return text;
    }
    return this.once(text.replace(this.unfinished, " "));
  }

  once(text) {
    for (const [pattern, by] of this.invisible) text = text.replace(pattern, by);
    if (this.rules.nfc) text = text.normalize("NFC");
    text = [...text].map((sign) => this.rules.signs[sign] ?? sign).join("");
    text = text.replace(this.markup, " ").replace(this.entity, (whole, name) => this.decode(whole, name));
    return text.replace(this.space, " ").replace(/^ +| +$/g, "").replace(this.long_run, "$& ");
  }

  decode(whole, name) {
    const { names, numbers, no_character } = this.rules.entities;
    if (name[0] !== "#") return Object.hasOwn(names, name) ? names[name] : whole;
    const code = /^#x/i.test(name) ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    if ((code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return no_character;
    return numbers[code] ?? String.fromCodePoint(code);
  }
}

// spaCy's algorithm, with the rules of the file.
export class Tokenizer {
  constructor(rules) {
    for (const name of ["token", "prefix", "suffix", "url"]) this[name] = regex(rules[name]);
    this.infix = regex(rules.infix, "g");
    this.words = new Map(Object.entries(rules.words));
    this.phrases = new Set(rules.phrases.map((phrase) => phrase.join(" ")));
    this.longest = Math.max(0, ...rules.phrases.map((phrase) => phrase.length));
  }

  tokenize(text) {
    const tokens = [];
    const spaces = []; // the space behind each token
    for (const span of text.split(" ").filter(Boolean)) {
      const found = this.split(span);
      tokens.push(...found);
      spaces.push(...found.slice(1).map(() => ""), " ");
    }
    return this.joinPhrases(tokens, spaces);
  }

  split(span) {
    const [before, after] = [[], []];
    const length = (pattern, part) => pattern.exec(part)?.[0].length ?? 0;
    for (let last = 0; span && span.length !== last && !this.words.has(span) && !this.starts("token", span); ) {
      last = span.length;
      const prefix = length(this.prefix, span);
      if (prefix && this.words.has(span.slice(prefix))) {
        before.push(span.slice(0, prefix));
        span = span.slice(prefix);
        break;
      }
      const suffix = length(this.suffix, span.slice(prefix));
      if (suffix && this.words.has(span.slice(0, last - suffix))) {
        after.unshift(span.slice(last - suffix));
        span = span.slice(0, last - suffix);
        break;
      }
      if (prefix) before.push(span.slice(0, prefix));
      if (suffix && prefix + suffix <= last) {
        after.unshift(span.slice(last - suffix));
        span = span.slice(0, last - suffix);
      }
      span = span.slice(prefix);
    }
    return [...before, ...(span ? this.splitMiddle(span) : []), ...after];
  }

  splitMiddle(span) {
    if (this.words.has(span)) return this.words.get(span);
    if (this.starts("token", span) || this.starts("url", span)) return [span];
    const parts = [];
    let start = 0;
    for (const { 0: infix, index } of span.matchAll(this.infix)) {
      if (index === 0) continue;
      parts.push(span.slice(start, index), infix);
      start = index + infix.length;
    }
    return [...parts, span.slice(start)].filter(Boolean);
  }

  starts(name, span) {
    return this[name].exec(span)?.index === 0;
  }

  // Words such as `:)` that the patterns have cut are put together again, the longest first.
  joinPhrases(tokens, spaces) {
    const spans = [];
    tokens.forEach((_, start) => {
      for (let end = start + 1; end <= Math.min(tokens.length, start + this.longest); end++)
        if (this.phrases.has(tokens.slice(start, end).join(" "))) spans.push([start, end]);
    });
    spans.sort((a, b) => b[1] - b[0] - (a[1] - a[0]) || a[0] - b[0]);
    const [ends, seen] = [new Map(), new Set()];
    for (const [start, end] of spans) {
      if (!seen.has(start) && !seen.has(end - 1)) ends.set(start, end);
      for (let at = start; at < end; at++) seen.add(at);
    }
    const joined = [];
    for (let place = 0; place < tokens.length; ) {
      const end = ends.get(place) ?? place + 1;
      const parts = tokens.slice(place, end);
      const word = parts.map((part, at) => part + (at + 1 < parts.length ? spaces[place + at] : "")).join("");
      joined.push(...((ends.has(place) && this.words.get(word)) || parts));
      place = end;
    }
    return joined;
  }
}

// How a channel sees a token. Python counts signs, JavaScript halves of some: `[...token]` counts signs.
function views(digits) {
  const letter = (one) => (/\p{Uppercase}/u.test(one) ? "X" : "x");
  const shape = (one) => (/\p{L}/u.test(one) ? letter(one) : digits.test(one) ? "d" : one);
  return {
    form: (token) => token,
    lower: (token) => token.toLowerCase(),
    prefix: (token) => [...token][0],
    suffix: (token) => [...token].slice(-3).join(""),
    shape: (token) =>
      [...token].length >= 100 ? "LONG" : [...token].map(shape).join("").replace(/(.)\1{3,}/gsu, "$1$1$1$1"),
  };
}

// A file of `sentiment export`.
export class Model {
  static async load(bytes) {
    const model = new Model();
    env.wasm.numThreads = 1;
    model.session = await InferenceSession.create(bytes);
    const about = (model.about = readMetadata(bytes));
    model.normaliser = new Normaliser(about.text);
    model.tokenizer = new Tokenizer(about.tokenizer);
    model.digits = new RegExp(about.digits, "u");
    const known = (words) => new Map(words.map((word, id) => [word, id]).slice(UNKNOWN + 1));
    model.channels = about.channels.map(({ view, words }) => [views(model.digits)[view], known(words)]);
    return model;
  }

  // The label and the probability of each class of one text, which must not be empty.
  async predict(text) {
    const { head, tail, classes, threshold, unreadable } = this.about;
    let tokens = this.tokenizer.tokenize(this.normaliser.normalise(text));
    if (head + tail > 0 && tokens.length > head + tail)
      tokens = [...tokens.slice(0, head), ...tokens.slice(tokens.length - tail)];
    const ids = tokens.map((token) => this.channels.map(([view, known]) => known.get(view(token)) ?? UNKNOWN));
    const axes = [1, tokens.length, ...(this.channels.length > 1 ? [this.channels.length] : [])];
    const { probabilities } = await this.session.run({
      tokens: new Tensor("int64", BigInt64Array.from(ids.flat(), BigInt), axes),
      lengths: new Tensor("int64", [BigInt(tokens.length)], [1]),
    });
    const found = [...probabilities.data];
    let label = classes[found.indexOf(Math.max(...found))];
    if (classes.length === 2) label = classes[found[1] > threshold ? 1 : 0];
    if (this.isUnreadable(tokens, ids.map((row) => row[unreadable.channel]))) label = unreadable.label;
    return { label, probabilities: Object.fromEntries(classes.map((name, place) => [name, found[place]])) };
  }

  // Whether the model knows next to none of the words, as in a text in another language.
  isUnreadable(tokens, ids) {
    const { common_words, function_words } = this.about.unreadable;
    const kinds = tokens.map((token) => this.kind(token));
    const words = new Map();
    tokens.forEach((token, at) => {
      const key = ids[at] > UNKNOWN ? ids[at] : token;
      if (kinds[at] === (kinds.includes(2) ? 2 : 1) && !words.has(key)) words.set(key, [token, ids[at]]);
    });
    const isCommon = (id) => id > UNKNOWN && id <= UNKNOWN + common_words;
    const found = [...words.values()];
    const known = found.filter(([, id]) => id > UNKNOWN).length;
    const common = found.filter(([, id]) => isCommon(id)).length;
    const isForeign = ([token, id]) => function_words.includes(token.toLowerCase()) && !isCommon(id);
    return known === 0 || found.length - known + found.filter(isForeign).length > common + 1;
  }

  // 0 is punctuation, 1 a number, an emoji or an emoticon, 2 a word.
  kind(token) {
    if (/\p{L}/u.test(token)) return 2;
    const isEmoji = [...token].some((sign) => sign > "\x7f" && /\p{S}/u.test(sign));
    return isEmoji || new Set(token).size > 1 || this.digits.test(token) ? 1 : 0;
  }
}

if (process.argv[1]?.endsWith("predict_onnx.mjs")) {
  const [path, ...given] = process.argv.slice(2);
  const model = await Model.load(readFileSync(path));
  const texts = given.length ? given : readFileSync(0, "utf8").trimEnd().split("\n");
  for (const text of texts) console.log(JSON.stringify(await model.predict(text)));
}
