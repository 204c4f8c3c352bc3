// Predict with a file of `sentiment export` in JavaScript. A page needs the classes only.
//     npm install onnxruntime-web
//     node predict_onnx.mjs model.onnx "What a film!"
//     node predict_onnx.mjs model.onnx < texts.txt        # one text a line, one answer a line

import { readFileSync } from "node:fs";
import { InferenceSession, Tensor, env } from "onnxruntime-web";

const UNKNOWN = 1; // the id of a word that the model does not know; 0 is padding
const regex = (rule, more = "") => new RegExp(rule.javascript, rule.flags + more);

// The number and the bytes of each field of a protobuf message, but for those that are numbers.
function* readFields(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at++];
    let [size, unit] = [0, 1];
    do size += (bytes[at] & 127) * unit, unit *= 128;
    while (bytes[at++] > 127);
    if ((tag & 7) !== 2) continue;
    yield [tag >> 3, bytes.subarray(at, at + size)];
    at += size;
  }
}

export function readMetadata(bytes) {
  const decode = ([, part]) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(part);
  const entries = [...readFields(bytes)].filter(([field]) => field === 14);
  const texts = entries.map(([, entry]) => Array.from(readFields(entry), decode));
  return JSON.parse(Object.fromEntries(texts).sentiment);
}

// Plain signs, no markup, single spaces.
export class Normaliser {
  constructor(rules) {
    this.rules = rules;
    for (const name of ["markup", "space", "long_run", "unfinished"]) this[name] = regex(rules[name], "g");
    this.invisible = rules.invisible.map(({ pattern, by }) => [regex(pattern, "g"), by]);
    this.entity = regex(rules.entities.pattern, "g");
  }

  normalise(text) {
    let before;
    for (let pass = 0; pass < this.rules.passes && text !== before; pass++)
      [before, text] = [text, this.once(text)];
    return text === before ? text : this.once(text.replace(this.unfinished, " "));
  }

  once(text) {
    for (const [pattern, by] of this.invisible) text = text.replace(pattern, by);
    if (this.rules.nfc) text = text.normalize("NFC");
    text = Array.from(text, (sign) => this.rules.signs[sign] ?? sign).join("");
    text = text.replace(this.markup, " ").replace(this.entity, (whole, name) => this.decode(whole, name));
    return text.replace(this.space, " ").replace(/^ | $/g, "").replace(this.long_run, "$& ");
  }

  decode(whole, name) {
    const { names, numbers, no_character } = this.rules.entities;
    if (name[0] !== "#") return Object.hasOwn(names, name) ? names[name] : whole;
    const code = Number.parseInt(name.replace(/^#x/i, "#0x").slice(1), /^#x/i.test(name) ? 16 : 10);
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
    const found = text.split(" ").map((span) => this.split(span));
    const spaces = found.flatMap((tokens) => [...tokens.slice(1).map(() => ""), " "]); // behind each token
    return this.joinPhrases(found.flat(), spaces);
  }

  split(span) {
    const [before, after] = [[], []];
    const search = (pattern, part) => pattern.exec(part)?.[0].length ?? 0;
    const isWhole = () => this.words.has(span) || this.token.exec(span)?.index === 0;
    for (let last = 0; span && span.length !== last && !isWhole(); ) {
      last = span.length;
      let prefix = search(this.prefix, span);
      let suffix = this.words.has(span.slice(prefix)) ? 0 : search(this.suffix, span.slice(prefix));
      if (suffix && this.words.has(span.slice(0, last - suffix))) prefix = 0;
      if (prefix + suffix > last) suffix = 0;
      if (prefix) before.push(span.slice(0, prefix));
      if (suffix) after.unshift(span.slice(last - suffix));
      span = span.slice(prefix, last - suffix);
    }
    return [...before, ...(span ? this.splitMiddle(span) : []), ...after];
  }

  splitMiddle(span) {
    if (this.words.has(span)) return this.words.get(span);
    if ([this.token, this.url].some((pattern) => pattern.exec(span)?.index === 0)) return [span];
    let [parts, start] = [[], 0];
    for (const { 0: infix, index } of [...span.matchAll(this.infix)].filter((found) => found.index)) {
      parts.push(span.slice(start, index), infix);
      start = index + infix.length;
    }
    return [...parts, span.slice(start)].filter(Boolean);
  }

  // Words such as `:)` that the patterns have cut are put together again, the longest first.
  joinPhrases(tokens, spaces) {
    const [spans, ends, seen, joined] = [[], new Map(), new Set(), []];
    for (let start = 0; start < tokens.length; start++)
      for (let end = start + 1; end <= Math.min(tokens.length, start + this.longest); end++)
        if (this.phrases.has(tokens.slice(start, end).join(" "))) spans.push([start, end]);
    for (const [start, end] of spans.sort((a, b) => b[1] - b[0] - (a[1] - a[0]) || a[0] - b[0])) {
      if (!seen.has(start) && !seen.has(end - 1)) ends.set(start, end);
      tokens.slice(start, end).forEach((_, at) => seen.add(start + at));
    }
    for (let place = 0; place < tokens.length; ) {
      const parts = tokens.slice(place, ends.get(place) ?? place + 1);
      const word = parts.map((part, at) => part + spaces[place + at]).join("").replace(/ $/, "");
      joined.push(...((ends.has(place) && this.words.get(word)) || parts));
      place += parts.length;
    }
    return joined;
  }
}

// How a channel sees a token. Python counts signs, JavaScript halves of some: `[...token]` counts signs.
export function views(digits) {
  const patterns = [[/(?=\p{L})\p{Uppercase}/u, "X"], [/\p{L}/u, "x"], [digits, "d"]];
  const shape = (sign) => patterns.find(([pattern]) => pattern.test(sign))?.[1] ?? sign;
  const shapes = (signs) => signs.map(shape).join("").replace(/(.)\1{3,}/gsu, "$1$1$1$1");
  return {
    form: (token) => token,
    lower: (token) => token.toLowerCase(),
    prefix: (token) => [...token][0],
    suffix: (token) => [...token].slice(-3).join(""),
    shape: (token) => ([...token].length < 100 ? shapes([...token]) : "LONG"),
  };
}

// The id of the most frequent known word that an unknown one may be a slip of.
function meant(word, known) {
  if (!/^[a-z]+$/.test(word)) return UNKNOWN;
  if (/(.)\1\1/.test(word)) {
    const shorter = ["$1$1", "$1"].map((kept) => word.replace(/(.)\1{2,}/g, kept));
    for (const one of shorter) if (known.has(one)) return known.get(one);
    word = shorter[0];
  }
  const [found, size, vowels] = [[], word.length, [..."aeiouy"]];
  for (let at = 1; at < size; at++) {
    const [before, letter, after] = [word.slice(0, at), word[at], word.slice(at + 1)];
    if (letter === word[at - 1] || size > 7) found.push(before + after);
    if (vowels.includes(letter) && size >= 7) found.push(...vowels.map((vowel) => before + vowel + after));
    if (after) found.push(before + after[0] + letter + after.slice(1));
  }
  for (let at = 1; at <= size; at++)
    for (const letter of size >= 7 ? "abcdefghijklmnopqrstuvwxyz" : word[at - 1])
      found.push(word.slice(0, at) + letter + word.slice(at));
  const ids = found.filter((one) => one.length >= 4 && known.has(one)).map((one) => known.get(one));
  return ids.length ? Math.min(...ids) : UNKNOWN;
}

export class Model {
  static async load(bytes) {
    const about = readMetadata(bytes);
    const [normaliser, tokenizer] = [new Normaliser(about.text), new Tokenizer(about.tokenizer)];
    const digits = new RegExp(about.digits, "u");
    const known = (words) => new Map(words.map((word, id) => [word, id]).slice(UNKNOWN + 1));
    const channels = about.channels.map((one) => ({ ...one, see: views(digits)[one.view], ids: known(one.words) }));
    env.wasm.numThreads = 1;
    const session = await InferenceSession.create(bytes);
    return Object.assign(new Model(), { about, normaliser, tokenizer, digits, channels, session });
  }

  // The label and the probability of each class of one text, which must not be empty.
  async predict(text) {
    const { head, tail, classes, threshold, unreadable } = this.about;
    const whole = this.tokenizer.tokenize(this.normaliser.normalise(text));
    const [start, end] = head + tail ? [head, Math.max(head, whole.length - tail)] : [0, 0];
    const tokens = [...whole.slice(0, start), ...whole.slice(end)];
    const ids = tokens.map((token) => this.channels.map((channel) => this.id(channel, token)));
    const axes = [1, tokens.length, this.channels.length].slice(0, this.channels.length > 1 ? 3 : 2);
    const { probabilities } = await this.session.run({
      tokens: new Tensor("int64", BigInt64Array.from(ids.flat(), BigInt), axes),
      lengths: new Tensor("int64", [BigInt(tokens.length)], [1]),
    });
    const found = [...probabilities.data];
    const best = classes.length === 2 ? Number(found[1] > threshold) : found.indexOf(Math.max(...found));
    const label = this.isReadable(tokens, ids) ? classes[best] : unreadable.label;
    return { label, probabilities: Object.fromEntries(classes.map((name, place) => [name, found[place]])) };
  }

  // The id of a token in a channel.
  id({ see, ids, misspelt }, token, asWritten = false) {
    const word = see(token);
    return ids.get(word) ?? (misspelt && !asWritten ? meant(word, ids) : UNKNOWN);
  }

  // False if the model knows next to none of the words, as in a text in another language.
  isReadable(tokens, rows) {
    const { common_words, function_words, channel } = this.about.unreadable;
    const [kinds, words] = [tokens.map((token) => this.kind(token)), new Map()];
    tokens.forEach((token, at) => {
      const written = this.id(this.channels[channel], token, true);
      const key = written > UNKNOWN ? written : token;
      if (kinds[at] !== (kinds.includes(2) ? 2 : 1) || words.has(key)) return;
      words.set(key, [token, rows[at][channel], written]);
    });
    const isCommon = ([, , written]) => written > UNKNOWN && written <= UNKNOWN + common_words;
    const isForeign = (word) => function_words.includes(word[0].toLowerCase()) && !isCommon(word);
    const tests = [([, id]) => id > UNKNOWN, isCommon, isForeign];
    const [known, common, foreign] = tests.map((test) => [...words.values()].filter(test).length);
    return known > 0 && words.size - known + foreign <= common + 1;
  }

  // 0 is punctuation, 1 a number, an emoji or an emoticon, 2 a word.
  kind(token) {
    const isEmoji = /[^\x00-\x7f]/.test(token) && /\p{S}/u.test(token);
    return /\p{L}/u.test(token) ? 2 : Number(isEmoji || new Set(token).size > 1 || this.digits.test(token));
  }
}

if (process.argv[1]?.endsWith("predict_onnx.mjs")) {
  const [path, ...given] = process.argv.slice(2);
  const model = await Model.load(readFileSync(path));
  const texts = given.length ? given : readFileSync(0, "utf8").trimEnd().split("\n");
  for (const text of texts) console.log(JSON.stringify(await model.predict(text)));
}
