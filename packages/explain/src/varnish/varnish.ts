import type { Dialect, DialectReader } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { type Verdict, findingOf, fixOf, harmlessVerdict } from '../verdict.ts';
import { appAnsweredSo, madeByVcl, varnishAccessLogs } from './access-log.ts';
import { backendOf, clientBrokeOff, judgeFetchError, unknownFetchError, unreadableBody } from './fetch-error.ts';
import { ownText } from '../own-text.ts';
import { judgedText } from '../line-text.ts';

/** One line of varnishlog: the head of a transaction, or one of its records. */
type LogRecord =
  | { readonly is: 'head'; readonly type: string; readonly vxid: string }
  | {
      readonly is: 'record';
      /** Null if the line does not repeat it (grouped output). */
      readonly vxid: string | null;
      /** 'c' client, 'b' backend, '-' neither; null if the line does not have it. */
      readonly side: 'c' | 'b' | '-' | null;
      readonly tag: string;
      readonly content: string;
      /** Whether the columns are aligned as varnishlog aligns them; pasted text may have lost them. */
      readonly isAligned: boolean;
    };

const head = /^\*{1,20} {1,20}<< (\w{1,20}) {1,20}>> {1,20}(\d{1,20}) *$/;
const grouped = /^-{1,20} {1,3}([A-Z]\w{1,30})(?: +|$)/;
const verbose = /^(?:-{1,20} )? {0,20}(\d{1,20}) ([A-Z]\w{1,30}) +([cb-])(?: |$)/;

/** The tags of vsl(7) that a line may begin with. Without this list, any list in a document would look like a log. */
const tags: ReadonlySet<string> = new Set(
  (
    'Begin End Link Timestamp SessOpen SessClose SessError BackendOpen BackendClose BackendReuse BackendStart BackendSSL Backend Length FetchError ' +
    'BogoHeader HttpGarbage LostHeader TTL Fetch_Body VCL_acl VCL_call VCL_trace VCL_return VCL_use VCL_Error VCL_Log ReqStart ' +
    'ReqMethod ReqURL ReqProtocol ReqHeader ReqUnset ReqLost ReqAcct ReqTarget RespMethod RespStatus RespReason RespProtocol ' +
    'RespHeader RespUnset RespLost BereqMethod BereqURL BereqProtocol BereqHeader BereqUnset BereqLost BereqAcct ' +
    'BerespMethod BerespStatus BerespReason BerespProtocol BerespHeader BerespUnset BerespLost ObjProtocol ObjStatus ' +
    'ObjReason ObjHeader ObjUnset ObjLost Hit HitPass HitMiss Hash HashIgnored Storage Filters Gzip ESI_xmlerror ESI_BodyAccess ' +
    'ExpBan ExpKill WorkThread Backend_health CLI Debug Error Proxy ProxyGarbage PipeAcct VfpAcct Witness Notice VSL H2RxHdr H2RxBody H2TxHdr H2TxBody VdpAcct VCL_use Brotli'
  ).split(' '),
);

/** A tag that is also an English word ("Begin", "Error") identifies nothing if the columns are lost. */
const isPlainWord = /^[A-Z][a-z]+$/;

/** Varnish pads a tag to this many characters, and adds one space. */
const tagWidth = 14;

/** Null for a line that varnishlog does not write. */
function readLogRecord(line: string): LogRecord | null {
  const first = line[0];
  if (first !== '*' && first !== '-' && first !== ' ' && !(first !== undefined && first >= '0' && first <= '9'))
    return null;
  const text = judgedText(line);
  const start = text.slice(0, 120);
  const headMatch = first === '*' ? head.exec(start) : null;
  if (headMatch !== null) return { is: 'head', type: headMatch[1] ?? '', vxid: headMatch[2] ?? '' };
  const verboseMatch = verbose.exec(start);
  if (verboseMatch !== null) return readVerbose(text, verboseMatch);
  const match = grouped.exec(start);
  const tag = match?.[1] ?? '';
  if (match === null || !tags.has(tag)) return null;
  const columns = text.slice(match[0].indexOf(tag));
  const isAligned = columns.startsWith(`${tag.padEnd(tagWidth)} `) || columns.trimEnd() === tag;
  if (!isAligned && isPlainWord.test(tag)) return null;
  return { is: 'record', vxid: null, side: null, tag, content: text.slice(match[0].length).trimEnd(), isAligned };
}

function readVerbose(text: string, match: RegExpExecArray): LogRecord | null {
  const [whole, vxid = '', tag = '', side = '-'] = match;
  if (!tags.has(tag)) return null;
  return {
    is: 'record',
    vxid,
    side: side as 'c' | 'b' | '-',
    tag,
    content: text.slice(whole.length).trimEnd(),
    isAligned: true,
  };
}

const format = 'varnishlog';

/** varnishlog, grouped by request or by transaction, or raw. */
const varnishTransactionLog: Dialect = {
  gateway: 'varnish',
  format,
  recognise(line) {
    const record = readLogRecord(line);
    if (record === null) return 0;
    return record.is === 'head' || record.isAligned ? 2 : 1;
  },
  open: () => new TransactionLog(),
};

/** `vsl_reclen` is 255 bytes, and 4,084 at the most. */
const recordCharactersMax = 4_200;

/** Transactions that are remembered, so that a client's transaction can name the failure of its fetch. */
const transactionsMax = 5_000;

/** The records of one transaction: a client's request, or a request of Varnish to a backend. */
interface Transaction {
  readonly vxid: string;
  side: 'c' | 'b' | null;
  method: string;
  url: string;
  status: number | null;
  backend: string | null;
  atMs: number | null;
  durationMs: number | null;
  /** The transactions to backends that it began. */
  readonly fetches: string[];
  isSynthetic: boolean;
  hasEnded: boolean;
  verdict: Verdict | null;
}

type PlainRecord = Extract<LogRecord, { is: 'record' }>;

class TransactionLog implements DialectReader {
  readonly #transactions = new Map<string, Transaction>();
  #current: Transaction = newTransaction('');

  read(line: string): Finding | null {
    // A copy, so that a kept record does not keep the whole text in memory.
    const record = readLogRecord(line.length > recordCharactersMax ? ownText(line, recordCharactersMax) : line);
    if (record === null) return null;
    if (record.is === 'head') {
      this.#current = this.#open(record.vxid);
      this.#current.side = record.type === 'BeReq' ? 'b' : record.type === 'Request' ? 'c' : null;
      return harmless();
    }
    if (record.tag === 'Backend_health') return healthEvent(record.content);
    const transaction = record.vxid === null ? this.#current : this.#open(record.vxid);
    if (record.side === 'b' || record.side === 'c') transaction.side = record.side;
    if (record.tag === 'FetchError') return fetchFailed(transaction, record.content);
    if (record.tag === 'Error' && record.content === 'Body cannot be fetched') {
      transaction.verdict = unreadableBody;
      return about(transaction, 'error', unreadableBody, [`Error ${record.content}`], keyOf(transaction.vxid));
    }
    if (record.tag === 'End') return this.#ended(transaction);
    learn(transaction, record);
    return harmless();
  }

  #open(vxid: string): Transaction {
    const known = this.#transactions.get(vxid);
    if (known !== undefined) return known;
    const transaction = newTransaction(vxid);
    this.#transactions.set(vxid, transaction);
    if (this.#transactions.size > transactionsMax) {
      const oldest = this.#transactions.keys().next().value;
      if (oldest !== undefined) this.#transactions.delete(oldest);
    }
    return transaction;
  }

  #ended(transaction: Transaction): Finding {
    const { status } = transaction;
    transaction.hasEnded = true;
    if (status === null || status < 500 || transaction.side === null) return harmless();
    const words = [transaction.side === 'b' ? `BerespStatus ${status}` : `RespStatus ${status}`];
    if (transaction.side === 'b') {
      if (transaction.verdict !== null) return harmless();
      transaction.verdict = transaction.isSynthetic ? madeByVcl : appAnsweredSo;
      return about(transaction, 'access', transaction.verdict, words, keyOf(transaction.vxid));
    }
    if (transaction.verdict !== null) return harmless();
    return this.#clientSide(transaction, words);
  }

  /** The response to the client depends on the last fetch for it. */
  #clientSide(transaction: Transaction, words: readonly string[]): Finding {
    const fetched = transaction.fetches.at(-1);
    const fetch = fetched === undefined ? undefined : this.#transactions.get(fetched);
    // The configuration made this response, unless it stands for a failed fetch (a pass).
    const isFetchWell = fetched === undefined || (fetch?.hasEnded === true && fetch.verdict === null);
    if (transaction.isSynthetic && isFetchWell) return about(transaction, 'access', madeByVcl, words, null);
    if (fetched === undefined) return about(transaction, 'access', notFetched, words, null);
    const verdict = { ...(fetch?.verdict ?? fetchElsewhere), isConsequence: true };
    const finding = about(transaction, 'access', verdict, words, keyOf(fetched));
    // Joins both by the request that the backend got, which the configuration may have rewritten.
    return fetch === undefined ? finding : { ...finding, upstream: fetch.backend, request: requestOf(fetch) };
  }
}

function newTransaction(vxid: string): Transaction {
  return {
    vxid,
    side: null,
    method: '',
    url: '',
    status: null,
    backend: null,
    atMs: null,
    durationMs: null,
    fetches: [],
    isSynthetic: false,
    hasEnded: false,
    verdict: null,
  };
}

/** Further fetches of one request (ESI) are not told apart. */
const fetchesMax = 100;

function learn(transaction: Transaction, { tag, content }: PlainRecord): void {
  switch (tag) {
    case 'Begin':
      if (content.startsWith('bereq ')) transaction.side = 'b';
      else if (content.startsWith('req ')) transaction.side = 'c';
      break;
    case 'ReqMethod':
    case 'BereqMethod':
      transaction.method = ownText(content, 30);
      break;
    case 'ReqURL':
    case 'BereqURL':
      transaction.url = ownText(content, 200);
      break;
    case 'RespStatus':
    case 'BerespStatus':
      transaction.status = /^\d{3}$/.test(content) ? Number(content) : null;
      break;
    case 'BackendOpen':
    case 'BackendReuse':
      transaction.backend = ownText(content.split(' ', 2)[1] ?? '', 200) || null;
      break;
    case 'VCL_call':
      if (content === 'SYNTH' || content === 'BACKEND_ERROR') transaction.isSynthetic = true;
      break;
    case 'Link':
      if (content.startsWith('bereq ') && transaction.fetches.length < fetchesMax) {
        transaction.fetches.push(ownText(content.split(' ', 2)[1] ?? '', 20));
      }
      break;
    case 'Timestamp':
      learnTime(transaction, content);
      break;
  }
}

const timestamp = /^\w{1,30}: (\d{1,12}\.\d{1,9}) (\d{1,9}\.\d{1,9}) /;

/**
 * "Beresp: 1764000000.123456 0.005678 0.001234": the time, the seconds since the beginning, and the seconds since the
 * previous timestamp.
 */
function learnTime(transaction: Transaction, content: string): void {
  const match = timestamp.exec(`${content} `);
  if (match === null) return;
  transaction.atMs ??= Math.round(Number(match[1]) * 1000);
  transaction.durationMs = Math.round(Number(match[2]) * 1000);
}

function fetchFailed(transaction: Transaction, words: string): Finding {
  const first = transaction.verdict;
  const own = transaction.side === 'c' ? clientBrokeOff : (judgeFetchError(words) ?? unknownFetchError);
  // Later errors follow from the first one: "straight insufficient bytes" after a reset.
  const isFirst = first === null || first.shape === 'unknown';
  transaction.verdict = isFirst ? own : first;
  transaction.backend ??= backendOf(words);
  const verdict = isFirst ? own : { ...first, isConsequence: true };
  return about(transaction, 'error', verdict, [`FetchError ${words.slice(0, 200)}`], keyOf(transaction.vxid));
}

function keyOf(vxid: string): string | null {
  return vxid === '' ? null : `varnish:${vxid}`;
}

function requestOf({ method, url }: Transaction): string | null {
  return url === '' ? null : `${method} ${url}`.trim().slice(0, 200);
}

function about(
  transaction: Transaction,
  kind: 'access' | 'error',
  verdict: Verdict,
  evidence: readonly string[],
  joins: string | null,
): Finding {
  const { status, backend, atMs, durationMs } = transaction;
  const request = requestOf(transaction);
  return findingOf(
    {
      gateway: 'varnish',
      format,
      kind,
      atMs,
      status: kind === 'access' ? status : null,
      upstream: backend,
      request,
      durationMs,
      evidence,
      joins,
    },
    verdict,
  );
}

/** A line that belongs to a transaction and decides nothing. */
function harmless(): Finding {
  return findingOf({ gateway: 'varnish', format, kind: 'event' }, harmlessVerdict);
}

const fetchElsewhere: Verdict = {
  shape: 'unknown',
  type: null,
  stage: null,
  born: null,
  whose: null,
  sentence:
    'The client got an error; the transaction to the backend, which has the cause, is not in this part of the log.',
  fix: fixOf('Read both together', "varnishlog -g request -q 'RespStatus >= 500'"),
};

const notFetched: Verdict = {
  ...fetchElsewhere,
  sentence: 'The client got an error from the cache, or one that several requests had waited for.',
};

const healthLine = /^(\S{1,200}) (Went sick|Still sick|Back healthy|Still healthy|Went healthy)\b/;

function healthEvent(content: string): Finding {
  const match = healthLine.exec(content.startsWith('- ') ? content.slice(2) : content);
  const name = match?.[1] ?? null;
  const isSick = match?.[2] === 'Went sick' || match?.[2] === 'Still sick';
  const facts = {
    gateway: 'varnish',
    format,
    kind: 'event',
    upstream: name,
    evidence: match === null ? [] : [match[2] ?? ''],
  } as const;
  if (!isSick) return findingOf(facts, harmlessVerdict);
  return findingOf(facts, {
    ...harmlessVerdict,
    sentence: `The health probe of ${name} fails: Varnish sends no requests to this backend until it succeeds again.`,
    fix: fixOf('Check the results of the probe, and fix the cause', "varnishadm backend.list -p '*.*'"),
  });
}

/** Varnish 4 to 7: varnishlog, which has the causes, and varnishncsa, which has them only in a suitable format. */
export const varnishDialects: readonly Dialect[] = [varnishTransactionLog, ...varnishAccessLogs];
