import type { Finding } from '../finding.ts';
import { accessFragments, type FragmentForm, unnamed, nginxFragments, nginxGateways } from './nginx-fragments.ts';
import { namedReasons, otherFragments } from './other-fragments.ts';
import { repairedJson, shortForms } from './short-forms.ts';

const marks: readonly RegExp[] = [
  /^\s{1,200}/,
  // Quoted in a mail or an issue, also several times.
  /^(?:[>|] ?){1,8}/,
  /^(?:[-*+•–—]|\(?\d{1,3}[.)]|#\d{1,4}[.:]?|\[\d{1,3}\]) {1,8}/,
  /^(?:…|\.{3,6}|\[(?:…|\.\.\.)\]) ?/,
  /^`{1,3}/,
  /^["'“”‘’«](?=[^"'“”‘’«]*\S)(?!\w{1,60}"\s?:)/,
];

const marksMax = 12;
const endMarks = /(?:\s|…|\.{3}|`|\\|(?<=\S)[“”’»])+$/;
/** Marks at the end are looked for here. */
const endCharactersMax = 40;

/**
 * The text without what people put around a pasted line: indentation, quoting, bullets, numbers, quotation marks, the
 * dots of an omission. The same text if there is nothing of this.
 */
export function unmarked(text: string): string {
  let rest = text;
  for (let count = 0; count < marksMax; count++) {
    const mark = marks.find((one) => one.test(rest))?.exec(rest);
    if (mark === undefined || mark === null) break;
    rest = rest.slice(mark[0].length);
  }
  const tail = rest.slice(-endCharactersMax);
  const kept = tail.replace(endMarks, '');
  return kept.length === tail.length ? rest : rest.slice(0, rest.length - tail.length + kept.length);
}

/** The texts that the line may have been before it was pasted, the likeliest first; without the line itself. */
function beforePasting(line: string): readonly string[] {
  const bare = unmarked(line);
  const single = bare.includes('  ') ? bare.replace(/ {2,}/g, ' ') : bare;
  // The quotation mark that ends a quoted line; the line's own fields may end with one, too.
  const open = /["'](?=$)/.test(single) && (single.split('"').length - 1) % 2 === 1 ? single.slice(0, -1) : single;
  return [...new Set([bare, single, open])].filter((text) => text !== line && text !== '');
}

/**
 * The slices of a broken line without the quoting and the indentation that all of them have. Blanks at their ends stay: a
 * terminal that breaks a line keeps them.
 */
export function withoutCommonMarks(slices: readonly string[]): readonly string[] {
  const [first = '', second = first] = slices;
  const ofFirst = commonOf(slices, /^[>| \t]{1,40}/.exec(first)?.[0] ?? '');
  if (ofFirst !== '') return slices.map((slice) => slice.slice(ofFirst.length));
  // A hanging indent.
  const ofRest = commonOf(slices.slice(1), /^[>| \t]{1,40}/.exec(second)?.[0] ?? '');
  return [first, ...slices.slice(1).map((slice) => slice.slice(ofRest.length))];
}

function commonOf(slices: readonly string[], mark: string): string {
  let common = mark;
  while (common !== '' && !slices.every((slice) => slice.startsWith(common))) common = common.slice(0, -1);
  return common;
}

/** In the order in which they are tried. */
export const fragmentForms: readonly FragmentForm[] = [
  ...nginxFragments,
  ...accessFragments,
  ...otherFragments,
  ...namedReasons,
  ...shortForms,
];

/** Reads a text as a whole line; `isSure`: only for a dialect that is certain of it. */
type ReadLine = (line: string, isSure: boolean) => Finding | null;

/** Most lines of most logs have none of the words of any form. */
const hint =
  /upstream|failed \(|could not be resolved|limiting |delaying |worker_connections|too large|AH\d{5}|proxy|caused by|Gateway|Service Unavailable|Internal Server Error|http\.log|dial |lookup |code=H|Error H|at=(?:error|info)|\[P[A-Z]\d\d\]|reason=|statusDetails|FetchError|is DOWN|no server available|x509|net\/http|tls: |_FUNCTION|FUNCTION_|HTTP\/\d(?:\.\d)?" \d|\/-?\d+\/-?\d+ |\d{3} [A-Z]{2,5}\b|"\w+" ?:|prematurely|reset_before|healthy|DNS_HOSTNAME|NO_RESPONSE| (?:-1|\d+\.\d+) (?:-1|\d+\.\d+) |response_timeout|status|\d#\d|^\*\d|(?:^|\s|\d )[A-Z]{2,8} \d+ \d+ \d+ |\(https:\/\/nodejs|refused connection|[A-Z]{2,6} [a-z]{2,20}_[a-z]|no resolver|host not found|invalid (?:URL|host|port)|\[lua\]|client sent|reported that|(?:^|\W)[CSPRDLUKIcs][RQCHDLT-](?:--|NI|VN|NN|VU)|[Ff]lags?\b|(?:Upstream|Downstream|NoHealthy|NoRoute|Origin|DNS|SSL|Client)[A-Z]|ERRORINFO_|[a-z]{3}_[a-z]{2,}_[a-z]|http[12]\.|(?:^|\W)H[1-389]\d\b|(?:read|write) tcp |context canceled$|no upstreams|reach the origin|fail errno|read error: |HTC status|stream (?:idle )?timeout|per try|RBAC|get storage|byte(?:s)? timeout|reading client|no backend|oxy\/forward|termination.state|status_code|Round trip|Backend fetch|downstream remote|connecting to upstream|connect.error|TLS.error|(?:52\d|530|1016)\b|HTTP Error|^\W{0,8}502 \d{1,2} 12\d{3} |503 (?:backend|first|[Cc]onnection|all) |dns\/balancer|good candidate|healthy instances|your instance/;

/** Longer texts are no parts that somebody pasted. */
const partCharactersMax = 16_384;

/**
 * The verdict on a pasted line, or on a part of one: without the marks around it, as a line with its missing beginning or
 * end completed. A verdict on a part is only likely. Null if the deciding words are missing.
 */
export function readPart(text: string, read: ReadLine): Finding | null {
  if (text.length > partCharactersMax) return null;
  const texts = [text, ...beforePasting(text)];
  for (const candidate of texts.slice(1)) {
    const found = read(candidate, true);
    if (found !== null) return found;
  }
  for (const candidate of texts.filter((one) => hint.test(one))) {
    const found = readCompleted(candidate, read);
    if (found !== null) return likely(found);
  }
  return null;
}

function readCompleted(text: string, read: ReadLine): Finding | null {
  // What stands within JSON is what a program says, and may quote anything.
  const json = text.indexOf('{"');
  for (const { words, complete, gateways, isOfJson = false, mayBeUnknown = false } of fragmentForms) {
    const found = words.exec(text);
    if (found === null || (!isOfJson && json >= 0 && json < found.index)) continue;
    const line = complete(text, found);
    const finding = line === null ? null : read(line, false);
    if (finding !== null && gateways.includes(finding.gateway) && isWorthIt(finding, mayBeUnknown)) return finding;
  }
  for (const line of repairedJson(text)) {
    const finding = read(line, true);
    if (finding !== null && isWorthIt(finding, false)) return finding;
  }
  return null;
}

/** A status alone would be a false alarm in a log of an application. Events may be worth knowing. */
function isWorthIt({ shape, kind, gateway, sentence }: Finding, mayBeUnknown: boolean): boolean {
  if (shape === 'none') return kind === 'event' && sentence !== '';
  return shape !== 'unknown' || mayBeUnknown || (kind !== 'access' && ofDistinctWords.has(gateway));
}

/** Their messages are distinct enough to be known without being understood. */
const ofDistinctWords: ReadonlySet<string> = new Set([...nginxGateways, 'apache']);

/** Times and names of the completed line are invented. */
function likely(finding: Finding): Finding {
  const { upstream, evidence, sentence } = finding;
  return {
    ...finding,
    confidence: 'likely',
    atMs: null,
    joins: null,
    upstream: upstream?.includes(unnamed) === true ? null : upstream,
    evidence: evidence.filter((words) => !words.includes(unnamed)),
    sentence: sentence.replaceAll(unnamed, 'the upstream'),
  };
}
