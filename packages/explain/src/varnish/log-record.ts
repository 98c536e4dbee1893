import { judgedText } from '../line-text.ts';

/** One line of varnishlog: the head of a transaction, or one of its records. */
export type LogRecord =
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
export function readLogRecord(line: string): LogRecord | null {
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
