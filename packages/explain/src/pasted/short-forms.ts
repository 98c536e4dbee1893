import { type FragmentForm, unnamed } from './nginx-fragments.ts';
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

/** HAProxy's termination state: who ended the session, and in which phase; then two characters about cookies. */
const state = /(?:^|[\s"'`(=:[])(?:(\d{3})\s)?([CSPRDLUKIcs][RQCHDLT-])(--|NI|VN|NN|VU)(?=$|[\s"'`).,;:!?\]])/;
const stateOfTcp = /\btermination[ _]state\b.{0,20}\b([CSPRDLUKIcs][RQCHDLT])\b/i;

/** The timers that a session has if it ended in that phase. */
const timersOfPhase: Readonly<Record<string, string>> = {
  R: '-1/-1/-1/-1/5000',
  Q: '0/5000/-1/-1/5000',
  C: '0/0/-1/-1/5000',
  H: '0/0/1/-1/5000',
  D: '0/0/1/2/5000',
  L: '0/0/1/2/5000',
  T: '0/-1/-1/-1/5000',
  '-': '0/0/1/2/5000',
};

const statusOfState = (code: string): string => {
  if (/^[Cc]/.test(code)) return code[1] === 'R' ? '400' : '200';
  if (/^s[HQ]/.test(code)) return '504';
  return /^S[HD]/.test(code) || code === 'PH' ? '502' : '503';
};

function haproxyLine(code: string, cookies: string, status: string | undefined): string {
  const phase = code[1] ?? '-';
  const server = 'RQT'.includes(phase) ? '<NOSRV>' : unnamed;
  const http = `${status ?? statusOfState(code)} 0 - - ${code}${cookies}`;
  return `0.0.0.0:1 [01/Jan/2026:00:00:00.000] ${unnamed} ${unnamed}/${server} ${timersOfPhase[phase]} ${http} 1/1/1/1/0 0/0 "GET / HTTP/1.1"`;
}

/** Flags that decide by themselves. Those of a filter, and `-`, do not. */
const flags =
  '(?:UH|UF|UO|UC|UT|UR|URX|UPE|UMSDR|NR|NC|LR|DC|DPE|DF|RL|UAEX|SI|IH|OM|DO|RLSE|FI|NoHealthyUpstream|UpstreamConnectionFailure|UpstreamConnectionTermination|UpstreamRequestTimeout|UpstreamRemoteReset|UpstreamOverflow|UpstreamProtocolError|UpstreamRetryLimitExceeded|NoRouteFound|NoClusterFound|DownstreamConnectionTermination|DownstreamProtocolError|StreamIdleTimeout)';
const flagsWithStatus = new RegExp(`(?:^|[\\s"'(:\`])([1-5]\\d\\d|0) (${flags}(?:,${flags}){0,3})(?=$|[\\s"'),.;:\`])`);
const flagsWithName = new RegExp(
  `(?:response[_ ]?flags?)"?\\s?[:=]?\\s?["'\`]?(${flags}(?:,${flags}){0,3})(?=$|[\\s"'),.;:\`])`,
  'i',
);
/** Two flags, or one that stands for nothing else: UT and NC are states, too. */
const flagsInWords = new RegExp(
  `\\bflags?["'\`]?\\s?[:=]\\s?["'\`]?(${flags}(?:,${flags}){1,3}|UF|UH|UC|UO|URX|UPE|UMSDR|UAEX)(?=$|[\\s"'),.;:\`])`,
);
const longFlag =
  /\b(NoHealthyUpstream|UpstreamConnectionFailure|UpstreamConnectionTermination|UpstreamRequestTimeout|UpstreamRemoteReset|UpstreamProtocolError|UpstreamRetryLimitExceeded|DownstreamConnectionTermination|DownstreamProtocolError)\b/;

const envoyJson = (response_flags: string, text: string): string => {
  const [, status] = /\b([1-5]\d\d)\b/.exec(text) ?? [];
  const [, details] = detailsInText.exec(text) ?? [];
  return JSON.stringify({
    response_flags,
    response_code: Number(status ?? 503),
    ...(details === undefined ? {} : { response_code_details: details }),
    upstream_host: '-',
    upstream_transport_failure_reason:
      /((?:delayed|immediate)[_ ]connect[_ ]error:[_ ]\d{1,5}|TLS[_ ]error:.{1,200})/.exec(text)?.[1] ?? '-',
  });
};

const detailsInText = /\b(via_upstream|upstream_reset_(?:before|after)_response_started\{[^}]{3,120}\}?)/;

/** Details of Envoy that decide without flags. */
const details =
  /(?:^|[\s"'`:=(])(upstream_reset_after_response_started\{[a-z_]{5,60}\}?|upstream_per_try_timeout|upstream_per_try_idle_timeout|stream_idle_timeout|upstream_max_stream_duration_reached|max_duration_timeout|downstream_remote_disconnect|downstream_remote_reset|cluster_not_found|route_not_found|filter_chain_not_found|rbac_access_denied_matched_policy\[[^\]]{1,60}\]|ext_authz_denied|ext_authz_error|http[12]\.[a-z_]{5,60}|request_header_timeout|local_rate_limited)(?=$|[\s"'`),.;])/;

/** Sentences of Envoy's and of its details. */
const sentences: readonly (readonly [words: RegExp, details: string])[] = [
  [/^stream (?:idle )?timeout$/, 'stream_idle_timeout'],
  [/\bupstream max stream duration reached\b/, 'upstream_max_stream_duration_reached'],
  [/\bupstream per try timeout\b/, 'upstream_per_try_timeout'],
  [/^(?:downstream remote disconnect)$/, 'downstream_remote_disconnect'],
  [/^RBAC: access denied$/, 'rbac_access_denied_matched_policy[none]'],
  [/^local_rate_limited$/, 'local_rate_limited'],
];

const albName =
  /\b(target_processing_time|elb_status_code|target_status_code|error_reason)["'`]?\s?[:= ]\s?["'`]?([\w.-]{1,60})/g;

/** What the decisive words are in a few characters: a state, a flag, a code, a pair of names and values. */
export const shortForms: readonly FragmentForm[] = [
  {
    of: "HAProxy's termination state",
    gateways: ['haproxy'],
    words: state,
    complete: (_, found) => haproxyLine(found[2] ?? '--', found[3] ?? '--', found[1]),
  },
  {
    of: "HAProxy's termination state",
    gateways: ['haproxy'],
    words: stateOfTcp,
    complete: (_, found) => haproxyLine(found[1] ?? '--', '--', undefined),
  },
  {
    of: "Envoy's response flags with their status or their name",
    gateways: ['envoy', 'istio'],
    words: flagsWithStatus,
    complete: (_, found) => envoyJson(found[2] ?? '', found[1] ?? ''),
  },
  {
    of: "Envoy's response flags with their status or their name",
    gateways: ['envoy', 'istio'],
    words: flagsWithName,
    complete: (text, found) => envoyJson((found[1] ?? '').toUpperCase(), text),
  },
  {
    of: "Envoy's response flags with their status or their name",
    gateways: ['envoy', 'istio'],
    words: flagsInWords,
    complete: (text, found) => envoyJson(found[1] ?? '', text),
  },
  {
    of: "Envoy's details of a response",
    gateways: ['envoy', 'istio'],
    words:
      /(?:^|[\s"'`:=(])((?:delayed|immediate)[_ ]connect[_ ]error:[_ ]\d{1,5}|(?:remote connection failure, transport failure reason: )?TLS[_ ]error:\|?.{4,300})/,
    complete: (text, found) => (/HTTP\/[\d.]{1,3}" \d/.test(text) ? null : envoyJson('UF', found[1] ?? '')),
  },
  {
    of: "Envoy's response flags with their status or their name",
    gateways: ['envoy', 'istio'],
    words: longFlag,
    complete: (text, found) => envoyJson(found[1] ?? '', text),
  },
  {
    of: "Envoy's details of a response",
    gateways: ['envoy', 'istio'],
    words: details,
    complete: (_, found) => ofDetails(found[1] ?? ''),
  },
  ...sentences.map(
    ([words, response_code_details]): FragmentForm => ({
      of: "Envoy's details of a response",
      gateways: ['envoy', 'istio'],
      words,
      complete: () => ofDetails(response_code_details),
    }),
  ),
  {
    of: 'the names and values of an AWS load balancer',
    gateways: ['aws-alb'],
    mayBeUnknown: true,
    isOfJson: true,
    words: /\b(?:elb|target)_status_code\b/,
    complete: (text) => {
      const values = new Map([...text.matchAll(albName)].map(([, name, value]) => [name, value]));
      const [elb, target] = [values.get('elb_status_code'), values.get('target_status_code')];
      const waited = values.get('target_processing_time') ?? (target === undefined || target === '-' ? '-1' : '0.001');
      if (elb === undefined || !/^\d{3}$/.test(elb)) return null;
      const host = waited === '-1' && elb === '503' ? '-' : '0.0.0.0:1';
      return `http 2026-01-01T00:00:00.000000Z app/${unnamed}/0 0.0.0.0:1 ${host} ${waited === '-1' && elb === '503' ? '-1' : '0.001'} ${waited} ${waited === '-1' ? '-1' : '0.000'} ${elb} ${target ?? '-'} 0 0 "GET http://${unnamed}:80/ HTTP/1.1" "-" - - - "-" "-" "-" 0 2026-01-01T00:00:00.000000Z "forward" "-" "${values.get('error_reason') ?? '-'}" "-" "-" "-" "-"`;
    },
  },
  {
    of: "Cloudflare's code",
    gateways: ['cloudflare'],
    words:
      /\b(?:[Ee]rror(?: code)?|HTTP(?: status)?|status(?: code)?):? (52[0-7]|530|1016)(?=$|[\s:;,.)])(?=.{0,200}(?:$|[Cc]loudflare|origin|[Ww]eb server|timed? ?out|handshake|SSL))/,
    complete: (_, found) =>
      JSON.stringify({ EdgeResponseStatus: found[1] === '1016' ? 530 : Number(found[1]), OriginResponseStatus: 0 }),
  },
  {
    of: "the heading of IIS's page",
    gateways: ['iis'],
    mayBeUnknown: true,
    words: /\bHTTP Error (50[23])\.(\d{1,2}) - /,
    complete: (text, found) => {
      const [, code = '0'] = /0x8007([0-9a-f]{4})\b/i.exec(text) ?? [];
      return `2026-01-01 00:00:00 0.0.0.0 GET / - 80 - 0.0.0.0 - - ${found[1]} ${found[2]} ${Number.parseInt(code, 16)} 0`;
    },
  },
  {
    of: "Heroku's code",
    gateways: ['heroku'],
    words:
      /(?:\b(?:heroku|errors?|codes?)\b[^\n]{0,60}?\b(H(?:1\d|2\d|3[12]|8[0-3]|99))\b|\b(H(?:1\d|2\d|3[12]|8[0-3]|99))(?:\)|:)? (?:errors?|[Rr]equest [Tt]imeout|App crashed|on [Hh]eroku))/i,
    complete: (_, found) =>
      `at=error code=${(found[1] ?? found[2] ?? '').toUpperCase()} desc="" method=GET path="/" status=503`,
  },
];

const ofDetails = (words: string): string =>
  JSON.stringify({ response_flags: '-', response_code_details: words, response_code: codeOfDetails(words) });

/** The status with which Envoy writes such details, if it answers itself. */
const codeOfDetails = (words: string): number =>
  /^(?:http[12]\.)/.test(words)
    ? 400
    : /denied/.test(words)
      ? 403
      : /rate_limited/.test(words)
        ? 429
        : /timeout|duration/.test(words)
          ? 504
          : /not_found/.test(words)
            ? 404
            : 503;
