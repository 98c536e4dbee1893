import { jsonLine } from '../json-fields.ts';

/** Without one of these no gateway's JSON is read. */
const deciding =
  /flags|upstream|Status"|err_trace|http\.log|http\.handlers|elb_|deploymentId|fetch.?err|handling|caused by|"tries"|proxy|OriginStatus|"kind":|Bad Gateway|Gateway Timeout/i;
const firstKey = /"[\w.@$-]{1,60}"\s{0,4}:/;
const pair =
  /"([\w.@$-]{1,60})"\s{0,4}:\s{0,4}("(?:[^"\\]|\\.){0,8192}"|-?\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,4})?|true|false|null|\["(?:[^"\\]|\\.){0,2000}"\])(?=\s{0,4}(?:[,}\]]|$))/g;
const pairsMax = 200;
const textMax = 32_768;

/**
 * What a part of a JSON line may have been: its complete members, with what is missing around them closed. Empty if it
 * has no members that could decide.
 */
export function repairedJson(whole: string): readonly string[] {
  const text = whole.slice(0, textMax);
  const start = text.startsWith('{') ? 0 : (firstKey.exec(text)?.index ?? -1);
  if (start < 0 || !deciding.test(text)) return [];
  const isFront = text.startsWith('{');
  const closed = new Closing(text.slice(isFront ? 1 : start), isFront).text();
  const repaired = jsonLine(closed) === null ? flatPairs(text) : closed;
  return repaired === null || repaired === whole ? [] : withLoss(repaired, text);
}

/** Adds what a line of Caddy is known by, and takes away from one of Traefik what would make a lost member mean something. */
function withLoss(repaired: string, text: string): readonly string[] {
  if (/"(?:DownstreamStatus|OriginStatus)":/.test(repaired) && !/"(?:Service|Backend)(?:URL|Addr)":/.test(repaired))
    return [repaired.replace(/"(?:OriginDuration|RequestCount)"\s?:\s?\d{1,20}/g, '"lost":0')];
  if (!/"err_(?:trace|id)"\s?:/.test(text) && !/"logger"\s?:\s?"http\.log\.error/.test(text)) return [repaired];
  const error = /"msg"\s?:/.test(repaired) ? undefined : goError.exec(text)?.[1];
  const message = error === undefined ? '' : `"msg":"${error}",`;
  const isFirst = repaired === '{}';
  return [
    `{"level":"error","ts":0,"logger":"http.log.error",${message}${isFirst ? '"lost":0}' : repaired.slice(1)}`,
    repaired,
  ];
}

/** The value of a message whose key is lost. */
const goError =
  /(?:^|")((?:dial (?:tcp|udp|unix)|lookup |read tcp|write tcp|net\/http: |http: |http2: |tls: |x509: |remote error: |unexpected EOF|EOF|context |no upstreams|fcgi: |malformed )[^"]{0,2000}|EOF)"(?!\s?:)/;

/** Complete members of any depth as members of one object. */
function flatPairs(text: string): string | null {
  const pairs: string[] = [];
  for (const [, key, value] of text.matchAll(pair)) {
    pairs.push(`"${key}":${value}`);
    if (pairs.length >= pairsMax) break;
  }
  return pairs.length === 0 ? null : `{${pairs.join(',')}}`;
}

/** Walks through the members once. Drops what closes more than was opened, and what is incomplete at the end. */
class Closing {
  readonly #out: string[] = ['{'];
  readonly #open: string[] = ['}'];
  /** The length of the output, and what was open there, after the last complete member. */
  #safe: { readonly length: number; readonly open: string } = { length: 1, open: '}' };
  readonly #text: string;
  readonly #isFront: boolean;

  constructor(text: string, isFront: boolean) {
    this.#text = text;
    this.#isFront = isFront;
  }

  text(): string {
    for (let at = 0; at < this.#text.length; ) {
      const next = this.#step(at);
      if (next < 0) break;
      at = next;
    }
    const last = this.#text.at(-1) ?? '';
    // A number or a string may be incomplete only if nothing follows it; a closed bracket never is.
    if (this.#open.length === 0) return this.#out.join('');
    const isComplete = last === '"' || last === ']' || last === '}';
    if (isComplete && this.#isWhole()) return `${this.#out.join('')}${this.#open.toReversed().join('')}`;
    const kept = this.#out
      .slice(0, this.#safe.length)
      .join('')
      .replace(/[,\s]+$/, '');
    return `${kept}${[...this.#safe.open].toReversed().join('')}`;
  }

  /** The position of the next character; negative at the end of the object. */
  #step(at: number): number {
    const character = this.#text[at] as string;
    if (character === '"') {
      const end = endOfString(this.#text, at);
      this.#out.push(this.#text.slice(at, end));
      return end;
    }
    if (character === '{' || character === '[') this.#open.push(character === '{' ? '}' : ']');
    else if (character === '}' || character === ']') return this.#close(character, at);
    else if (character === ',') this.#mark();
    this.#out.push(character);
    return at + 1;
  }

  #close(character: string, at: number): number {
    if (this.#open.at(-1) !== character || this.#open.length === 1)
      return this.#isFront && this.#open.length === 1 ? this.#end() : at + 1;
    this.#open.pop();
    this.#out.push(character);
    this.#mark();
    return at + 1;
  }

  #end(): number {
    this.#open.pop();
    this.#out.push('}');
    return -1;
  }

  #mark(): void {
    this.#safe = { length: this.#out.length, open: this.#open.join('') };
  }

  #isWhole(): boolean {
    return jsonLine(`${this.#out.join('')}${this.#open.toReversed().join('')}`) !== null;
  }
}

/** After the quotation mark that ends it, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}
