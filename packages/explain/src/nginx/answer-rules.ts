import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import { lineEvidence } from './connect-rules.ts';
import type { NginxErrorLine } from './error-line.ts';
import { stageOf } from './error-line.ts';
import type { FixContext } from './fixes.ts';
import { enlargeHeadBuffer, fix } from './fixes.ts';
import type { NginxVerdict } from './verdict.ts';
import { answeredSo, failed, harmless } from './verdict.ts';

/** Lines about the application's response. */
export function judgeAnswer(line: NginxErrorLine, context: FixContext): NginxVerdict | null {
  const { text } = line;
  if (text.startsWith('FastCGI sent in stderr: ') || text.startsWith('uwsgi sent in stderr'))
    return applicationSaid(line);
  if (!/^(?:upstream|memcached sent) /.test(text)) return null;
  // `goaway` is HTTP/2's GOAWAY: the response is broken off, and its form is valid.
  if (text.startsWith('upstream sent goaway')) return null;
  if (text.startsWith('upstream sent more data than specified in'))
    return harmless('error', 'The application sent more bytes than it had announced; nginx dropped the rest.');
  const type = typeOf(text);
  if (type === null) return null;
  // nginx logs an error if it gives up on a response. With a warning it only leaves out the invalid part.
  if (line.level === 'warn')
    return harmless('error', 'A part of the response head was invalid; nginx left it out and passed on the response.');
  const stage = stageOf(line.action);
  return failed({
    shape: 'garbage',
    type,
    stage: stage === null || stage === 'client' ? 'response' : stage,
    whose: type === 'http_response_header_section_size' ? 'operator' : 'application',
    evidence: lineEvidence(line),
    sentence: sentenceOf(type, text),
    fix: fixOf(type, text, context),
  });
}

/** The beginnings of nginx's messages about a response, and their verdicts; the first that matches counts. */
const types: readonly (readonly [string, ProxyErrorType])[] = [
  ['upstream sent too big header', 'http_response_header_section_size'],
  ['upstream sent too large header', 'http_response_header_section_size'],
  ['upstream sent too big trailer', 'http_response_trailer_section_size'],
  ['upstream sent invalid trailer', 'http_protocol_error'],
  ['upstream sent unknown "Transfer-Encoding"', 'http_response_transfer_coding'],
  ['upstream sent invalid "Transfer-Encoding"', 'http_response_transfer_coding'],
  ['upstream sent "Content-Length" and "Transfer-Encoding"', 'http_response_transfer_coding'],
  ['upstream sent "Transfer-Encoding"', 'http_response_transfer_coding'],
  ['upstream sent invalid chunked response', 'http_response_transfer_coding'],
  ['upstream sent data after final chunk', 'http_response_transfer_coding'],
  ['upstream sent response body larger than indicated', 'http_protocol_error'],
  ['upstream response is too big', 'http_response_body_size'],
  ['upstream prematurely sent response', 'http_protocol_error'],
  ['upstream sent ', 'http_protocol_error'],
  ['memcached sent ', 'http_protocol_error'],
  ['upstream returned invalid', 'http_protocol_error'],
];

function typeOf(text: string): ProxyErrorType | null {
  return types.find(([start]) => text.startsWith(start))?.[1] ?? null;
}

function sentenceOf(type: ProxyErrorType, text: string): string {
  if (type === 'http_response_header_section_size') {
    return "The head of the application's response is larger than nginx's buffer for it.";
  }
  if (type === 'http_response_trailer_section_size')
    return "The trailer of the application's response is larger than nginx accepts.";
  if (type === 'http_response_transfer_coding')
    return "The length of the application's response is ambiguous: nginx may not guess where it ends.";
  if (type === 'http_response_body_size') return 'The response is larger than nginx may store.';
  if (isOtherProtocol(text)) return 'The upstream speaks another protocol than the one configured for it.';
  if (text.startsWith('upstream prematurely sent')) return 'The application sent a response before it got a request.';
  return "The application's response is not valid HTTP.";
}

const isOtherProtocol = (text: string): boolean =>
  /no valid HTTP\/1\.0 header|FastCGI (?:record|protocol)|too large http2 frame|unexpected http2 frame|invalid http2|invalid status/i.test(
    text,
  );

function fixOf(type: ProxyErrorType, text: string, context: FixContext): NginxVerdict['fix'] {
  if (type === 'http_response_header_section_size') return enlargeHeadBuffer(context);
  if (isOtherProtocol(text)) {
    return fix(
      `Check that \`${context.module}_pass\` names the port of an application that speaks that protocol: HTTP, FastCGI, uwsgi and gRPC each need their own directive`,
      context.module === 'fastcgi' || context.module === 'uwsgi' || context.module === 'grpc'
        ? 'proxy_pass http://HOST:PORT;'
        : null,
    );
  }
  if (type === 'http_response_transfer_coding') {
    return fix('Have the application send either `Content-Length` or `Transfer-Encoding: chunked`, never both', null);
  }
  return fix("Correct the application's response; the line names the header or the bytes", null);
}

function applicationSaid(line: NginxErrorLine): NginxVerdict {
  if (line.text.includes('Primary script unknown')) {
    return {
      ...harmless('error', 'PHP did not find the script and answered with a 404.'),
      evidence: ['Primary script unknown'],
      fix: fix(
        'Give `SCRIPT_FILENAME` the path as PHP sees it',
        'fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;',
      ),
    };
  }
  if (/PHP (?:Fatal|Parse|Recoverable fatal) error|Uncaught /.test(line.text)) {
    return answeredSo([line.text.slice(0, 200)], 'error', 'The application itself failed and logged it.');
  }
  return harmless('error', 'The application wrote this to its error output; the gateway only logged it.');
}
