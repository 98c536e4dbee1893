import type { Evidence, Guess, NamedFileFault } from '../failure.ts';
import type { CaseTexts, FailureTable } from '../failure-spec.ts';
import { guessWords, isOtherProtocol, stepOfOtherProtocol } from '../guess-words.ts';
import { http1Behind, type ResponseRule, responseRules } from '../rules.ts';
import { bytes, quoted, quotedBytes } from './formatting.ts';

const guessed = (guess: Guess): string => (guess === 'nothing' ? 'it is empty' : `it looks like ${guessWords[guess]}`);

const otherProtocol = [
  'the application server listens for a web server before it, as php-fpm, uWSGI and the AJP connector of Tomcat do',
  'the upstream names the port of the wrong connector',
];

const http2Alone = [
  'the application is a gRPC server, or another one that speaks HTTP/2 without TLS (h2c) and no HTTP/1.1, and `http2: true` is missing in the configuration',
  'the upstream names the port for gRPC in place of the one for HTTP/1.1',
];

const tlsExpected: CaseTexts = {
  usualCauses: ['the application expects TLS, and the upstream has no `tls` in the configuration'],
  nextStep:
    'Set `tls: true` for the upstream if the application is to be asked over TLS, or name its port for HTTP without TLS.',
};

const namedFileFaults: Readonly<Record<NamedFileFault, string>> = {
  missing: 'there is no such file in the folder of the route',
  hidden: 'names that begin with a dot are not sent',
  program: 'PHP programs are not sent',
  outside: 'a link leads out of the folder of the route',
  folder: 'that is a folder',
  elsewhere: '`send_files` of the route has no folder for it',
  several: 'that is more than one file',
};

const casesOfNamedFile: Partial<Record<NamedFileFault, CaseTexts>> = {
  hidden: {
    usualCauses: [
      'a name that a visitor has sent became part of the path, such as `../` or `.env`: then the application must check it',
      'the file is one that is never sent: its name, or that of a folder above it, begins with a dot',
    ],
    nextStep: 'Look where the application has the name from.',
  },
  program: {
    usualCauses: ['a name that a visitor has sent became part of the path: then the application must check it'],
    nextStep: 'Look where the application has the name from.',
  },
  outside: {
    usualCauses: ['a symbolic link in the folder leads out of it; what is outside is not sent'],
    nextStep: 'Let `send_files` name a folder that has both, or copy the file into the folder.',
  },
  elsewhere: {
    usualCauses: [
      'the application names its files as for another server: nginx takes the path of a location, Apache and Lighttpd that of the file system',
      'a name that a visitor has sent became the path: then the application must check it',
    ],
    nextStep: 'Write how the names begin, and the folder that is meant: `send_files: { /protected/: ./protected }`.',
  },
  several: {
    usualCauses: ['the header was added a second time, where it should have been replaced'],
    nextStep: 'Search the application for where it sets the header.',
  },
};

const leftOver = {
  whose: 'application',
  temporary: true,
  forClient:
    'The application sent more than it should after an earlier answer, and this request met the rest. Please try again in a moment.',
  usualCauses: [
    'the application writes a body after a 204, after a 304, or in answer to HEAD',
    'the body of the response before was longer than its Content-Length',
    'the application wrote a warning or a stack trace to its socket before the response (CGI, hand-written servers)',
    'the application wrote two responses to one request',
  ],
  nextStep:
    'Look at the first bytes with `candor explain REQUEST-ID`, and search the application for what writes them; the request that it answered just before on this connection is the likelier one.',
} as const;

const atTimes = {
  whose: 'application',
  temporary: true,
  forClient: 'The application sent an answer that is not HTTP, as it does at times. Please try again in a moment.',
  usualCauses: [
    'the application wrote a warning, a line of its log or a stack trace to its socket before the response',
    'several programs answer at that address, and one of them speaks another protocol',
  ],
  nextStep:
    'Look at the first bytes with `candor explain REQUEST-ID`, and search the application for what writes them to its socket.',
} as const;

/** HTTP/2 shows where such a body ends; on an HTTP/1.1 connection its bytes come where the next response is due (`leftOver`). */
const bodiesTooLong: Partial<Record<ResponseRule, CaseTexts>> = {
  'content-length-mismatch': {
    usualCauses: [
      'the application sets Content-Length itself, and counts characters instead of bytes',
      'a middleware changes the body and leaves the old Content-Length',
    ],
    nextStep:
      'Compare `curl -s --http2-prior-knowledge -D - http://HOST:PORT/PATH` with its Content-Length, and let the framework set that header.',
  },
  'content-forbidden': {
    forClient: 'The application sent a body with an answer that has none. Its developers must correct that.',
    usualCauses: [
      'the application writes a body after a 204, after a 304, or in answer to HEAD',
      'a handler for GET answers HEAD too, on a server that does not drop the body',
      'a middleware replaces the status by 204 or 304 and leaves the body',
    ],
    nextStep:
      'Send the request with `nghttp -v http://HOST:PORT/PATH` (for HEAD add `-H ":method: HEAD"`), and search the application for what writes the body that follows the response as DATA.',
  },
};

const acceptTexts = {
  missing: 'without a Sec-WebSocket-Accept',
  wrong: 'with a Sec-WebSocket-Accept that does not belong to its Sec-WebSocket-Key',
} as const;

const notAccepted: CaseTexts = {
  usualCauses: [
    'a handler answers 101 by itself, with a fixed Sec-WebSocket-Accept or none',
    'a proxy between the gateway and the application changes Sec-WebSocket-Key',
  ],
  nextStep:
    'Let a WebSocket library answer the request: Sec-WebSocket-Accept is made from the Sec-WebSocket-Key of each request (RFC 6455 §4.2.2).',
};

const http1BehindFrames: CaseTexts = {
  usualCauses: [
    'a load balancer or proxy before the application answers in HTTP/1 by itself, such as 408 or 400 to an idle connection',
    'the application writes to the socket of its HTTP/2 server',
  ],
  nextStep:
    'Look at the first bytes with `candor explain REQUEST-ID`: the status and the headers say which program wrote them. If it is one before the application, let it pass HTTP/2 on, or set `http2: false` for the upstream.',
};

/** The endpoint sent an answer that is not acceptable HTTP. */
export const garbage = {
  response_not_http: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The endpoint's answer is not HTTP",
    sentence: ({ address, guess, firstBytes, answeredBefore, answeredBetween }) =>
      isOtherProtocol(guess)
        ? `${address} speaks ${guessWords[guess]} and not HTTP: it closed the connection of an HTTP request without an answer, and answered a record of that protocol.`
        : answeredBefore !== undefined
          ? `${address} sent something that is not HTTP on a connection on which ${answeredBefore === 1 ? 'one response' : `${answeredBefore} responses`} had come before, so it is probably left over from the last one; ${guessed(guess)}, beginning with ${quotedBytes(firstBytes)}.`
          : guess === 'http2' && answeredBetween === undefined
            ? `${address} speaks HTTP/2 and not HTTP/1.1: it answered an HTTP/1.1 request with the first frame of HTTP/2 (SETTINGS).`
            : `${address} answered with something that is not HTTP${answeredBetween === undefined ? '' : ', between other answers that are'}; ${guessed(guess)}, beginning with ${quotedBytes(firstBytes)}.`,
    forClient: 'This site received an answer that is not HTTP. Its operators must look at it.',
    usualCauses: [
      'the port belongs to another program (a database, SSH, a gRPC server)',
      'the application expects TLS, and the upstream has no `tls` in the configuration',
      'the application wrote a warning or a stack trace to its socket before the response (CGI, hand-written servers)',
    ],
    nextStep:
      'Look at the first bytes with `candor explain REQUEST-ID`, then see with `ss -ltnp` which program owns that port.',
    inThisCase: ({ guess, answeredBefore, answeredBetween }) => {
      if (isOtherProtocol(guess)) return { usualCauses: otherProtocol, nextStep: stepOfOtherProtocol[guess] };
      if (answeredBefore !== undefined) return leftOver;
      if (answeredBetween !== undefined) return atTimes;
      if (guess === 'tls') return tlsExpected;
      return guess === 'http2' ? { usualCauses: http2Alone, nextStep: stepOfOtherProtocol.http2 } : null;
    },
  },
  response_not_http2: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The endpoint's answer is not HTTP/2",
    sentence: ({ address, guess, firstBytes }) =>
      `The gateway spoke HTTP/2 with ${address}, as its upstream says (\`http2: true\`), and got something else; ${isHttp1(firstBytes) ? 'it is HTTP/1' : guessed(guess)}, beginning with ${quotedBytes(firstBytes)}.`,
    forClient: 'This site received an answer that is not HTTP/2. Its operators must look at it.',
    usualCauses: [
      'the application speaks HTTP/1.1 alone, and its upstream has `http2: true` in the configuration',
      'the application speaks HTTP/2 within TLS alone, and the upstream has no `tls`',
      'another program than the application listens on the port',
    ],
    nextStep:
      'Try `curl -v --http2-prior-knowledge http://HOST:PORT/`; if that fails too, remove `http2` from the upstream.',
  },
  response_frames: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's HTTP/2 frames break the protocol",
    sentence: ({ address, rule, code, streams, frameOf }) => {
      const sentence = `${address} sent frames that HTTP/2 does not allow (${code}): ${rule}.`;
      return streams === undefined ? sentence : `${sentence} ${connectionErrorText(streams, frameOf)}`;
    },
    forClient:
      'The connection to the application broke a rule of its protocol. Its developers must correct that; try again in a moment.',
    usualCauses: [
      'a defect of the HTTP/2 library of the application',
      'a proxy between the gateway and the application mixes up connections',
      'more content was sent than the gateway allowed, or than Content-Length announced',
    ],
    nextStep:
      'Ask the endpoint with `nghttp -v` or `curl -v --http2-prior-knowledge`, update its HTTP/2 library, and set `http2: false` for the upstream until then.',
    inThisCase: ({ rule }) => (rule === http1Behind ? http1BehindFrames : null),
  },
  response_records: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's FastCGI records break the protocol",
    sentence: ({ address, rule }) => `${address} sent ${rule}.`,
    forClient: 'The application sent something out of order. Its operators must look at it; try again in a moment.',
    usualCauses: [
      'a defect of the FastCGI library of the application',
      'a program that the application starts writes to the socket, which it has inherited',
      'two processes of the application answer on one connection',
    ],
    nextStep:
      'Update the FastCGI server, and ask it without the gateway: `SCRIPT_FILENAME=/srv/www/index.php REQUEST_METHOD=GET cgi-fcgi -bind -connect HOST:PORT`.',
  },
  response_not_fastcgi: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'operator',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The endpoint's answer is not FastCGI",
    sentence: ({ address, guess, firstBytes }) =>
      `The gateway spoke FastCGI with ${address}, as its upstream says (\`protocol: fastcgi\`), and got something else; ${isHttp1(firstBytes) ? 'it is HTTP/1' : guessed(guess)}, beginning with ${quotedBytes(firstBytes)}.`,
    forClient: 'This site received an answer in another protocol. Its operators must look at it.',
    usualCauses: [
      'the endpoint speaks HTTP, and its upstream has `protocol: fastcgi` in the configuration',
      'another program than php-fpm listens on the port',
    ],
    nextStep:
      'Compare the address with `listen` in the pool of php-fpm (`grep -r ^listen /etc/php/*/fpm/pool.d/`); if the endpoint speaks HTTP, remove `protocol`.',
  },
  response_file_not_found: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The application named a file that cannot be sent',
    sentence: ({ address, header, file, why }) =>
      `${address} answered with ${header}: ${quoted(file)}, and ${namedFileFaults[why]}.`,
    forClient: 'The application wanted to send a file that this site does not find. Its operators must look at it.',
    usualCauses: [
      'the file was deleted, or was never written, and the application still has a record of it',
      'the application and the gateway see the files below different paths, such as in a container',
      'the name is not percent-encoded: a `%` in it is written `%25`',
    ],
    nextStep:
      'Compare the name with `send_files` of the route: what stands before the colon is removed from it, and the rest is the path below the folder.',
    inThisCase: ({ why }) => casesOfNamedFile[why] ?? null,
  },
  script_unknown: {
    type: 'destination_not_found',
    status: 404,
    whose: 'operator',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The FastCGI server does not find the program',
    sentence: ({ address, why }) =>
      why === 'unknown'
        ? `${address} found no program at SCRIPT_FILENAME ("Primary script unknown").`
        : `${address} does not run the program at SCRIPT_FILENAME: its name has none of the endings that it allows.`,
    forClient: 'This page does not exist, or this site is set up wrongly.',
    usualCauses: [
      'php-fpm runs in a container or below a `chroot`, and the files have another path there than here: write that path as `root` of `php`, with `remote: true`',
      'the user of php-fpm must not read the file, or must not enter one of its folders',
      'the route has no `php: { root }`, so that no program is named',
    ],
    nextStep:
      'Look at the file as the user of php-fpm and where it runs: `sudo -u www-data head -c 1 SCRIPT_FILENAME` and `namei -l SCRIPT_FILENAME`; the path is `root` of the route with the path of the program behind it (`candor route METHOD URL`).',
    inThisCase: ({ why }) =>
      why === 'unknown'
        ? null
        : {
            title: 'The FastCGI server must not run the program',
            usualCauses: [
              '`security.limit_extensions` of the pool of php-fpm does not have the ending (its default is `.php .phar`)',
            ],
            nextStep:
              'Add the ending to `security.limit_extensions` in /etc/php/*/fpm/pool.d/, if such files are programs; otherwise correct `split` of the route.',
          },
  },
  response_status_line: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's status line is malformed",
    sentence: ({ address, rule, firstBytes }) => `${address} answered ${quotedBytes(firstBytes)}: ${broken(rule)}.`,
    forClient: "The first line of the application's answer is faulty. Its developers must correct that.",
    usualCauses: [
      'the application sends a status outside 100 to 999, such as 0, 99 or 2000',
      'a hand-written server leaves out the version or the status',
      'a line break got into the reason phrase',
    ],
    nextStep:
      'Print the line with `curl -s --http0.9 --raw -i http://HOST:PORT/PATH | head -n 1 | cat -A` and search the application for where it sets that status.',
  },
  response_version: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The application answered in an unknown HTTP version',
    sentence: ({ address, version }) =>
      `${address} answered in version ${quoted(version)}; the gateway accepts HTTP/1.0 and HTTP/1.1.`,
    forClient:
      'The application answered in a version of HTTP that this site does not speak. Its operators must correct that.',
    usualCauses: [
      'the port serves HTTP/2 without negotiation (h2c), as gRPC servers do',
      'a test server sends an invented version',
      'a bridge from RTSP or ICY names its own protocol in the status line',
    ],
    nextStep:
      'Try `curl -v --http1.1` and `curl -v --http2-prior-knowledge` against the endpoint; if only the second works, enable HTTP/1.1 in the application.',
  },
  response_header: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "A header of the application's answer is malformed",
    sentence: ({ address, rule, name }) =>
      `${address} sent a malformed header${name === '' ? '' : ` ${quoted(name)}`}: ${broken(rule)}.`,
    forClient:
      'The application sent an answer with a faulty detail. Its developers must correct that; another page may still work.',
    usualCauses: [
      'the application writes user input or a file name into a header without escaping a line break or control character',
      'a header name is composed at run time and contains a space',
      'a debug message is printed in the middle of the response head',
    ],
    nextStep:
      'Show the headers byte by byte with `curl -sD - -o /dev/null http://HOST:PORT/PATH | cat -A`, and find where the application sets the malformed one.',
  },
  response_framing: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The length of the application's answer is wrong or ambiguous",
    sentence: ({ address, rule }) =>
      `${address} sent an answer ${rule in bodiesTooLong ? 'that is longer than it may be' : 'whose end is ambiguous'}: ${broken(rule)}.`,
    forClient: 'The application sent contradictory information about its answer. Its developers must correct that.',
    usualCauses: [
      'the application sets Content-Length itself while its framework uses chunked coding',
      'a middleware compresses the body and leaves the old Content-Length',
      'a proxy in between adds Transfer-Encoding to a response that has a length',
    ],
    nextStep:
      'Print both headers with `curl -sD - -o /dev/null http://HOST:PORT/PATH | grep -iE "content-length|transfer-encoding"`; let the framework set them.',
    inThisCase: ({ rule }) => bodiesTooLong[rule] ?? null,
  },
  response_head_too_large: {
    type: 'http_response_header_section_size',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: "The application's response head is too large",
    sentence: ({ address, bytes: size, limit, longest }) =>
      `${address} sent ${bytes(size)} of a response head without its end; the limit is ${limit}${longest === '' ? '' : `, and the longest header is ${quoted(longest)}`}.`,
    forClient:
      'The application sent more accompanying data than this site accepts. Deleting the cookies of this site may help.',
    usualCauses: [
      'a session is kept in cookies and has grown',
      'a Content-Security-Policy or Link header is generated from a long list',
      'an error message or stack trace is sent in a header',
    ],
    nextStep:
      "Find the largest header with `curl -sD - -o /dev/null http://HOST:PORT/PATH | awk '{print length, $1}' | sort -n | tail`; the limit is `response_head_max` of the upstream.",
  },
  response_interim_excess: {
    type: 'http_protocol_error',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The application sent interim responses without end',
    sentence: ({ address, responses, bytes: size, limit, bytesMax }) =>
      `${address} sent ${responses} interim responses (1xx, ${bytes(size)}) and no answer; the limits are ${limit} and ${bytes(bytesMax)}.`,
    forClient: 'The application kept announcing an answer that never came. Its developers must look at it.',
    usualCauses: [
      'the application sends 102 or 103 in a loop, as a sign of life',
      'the application sends a 103 for each resource of a page, instead of one with many Link headers',
    ],
    nextStep:
      'Show them with `curl -sv -o /dev/null http://HOST:PORT/PATH`, and let the application send at most one 103; for work that takes long, let it answer 202 at once.',
  },
  response_too_many_headers: {
    type: 'http_response_header_section_size',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: "The application's response has too many headers",
    sentence: ({ address, limit }) => `${address} sent a response with more than ${limit} headers.`,
    forClient: 'The application sent an answer with more parts than this site accepts. Its developers must look at it.',
    usualCauses: [
      'a loop adds a Set-Cookie or Link header per item',
      'two layers of the application add the same headers over and over',
      'debug data is sent as one header per entry',
    ],
    nextStep:
      'Count the headers by name with `curl -sD - -o /dev/null http://HOST:PORT/PATH | cut -d: -f1 | sort | uniq -c | sort -n`.',
  },
  response_chunk: {
    type: 'http_response_transfer_coding',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: "The application's chunked body is malformed",
    sentence: ({ address, rule, bytesReceived }) =>
      `${bytesReceived === 0 ? 'At the beginning' : `After ${bytes(bytesReceived)}`} of the body from ${address}: ${broken(rule)}.`,
    forClient:
      'The application garbled the middle of its answer. Reload the page; if it happens again, its developers must correct that.',
    usualCauses: [
      'the application writes chunks by hand and counts characters instead of bytes',
      'a second response or a log line is written into the same socket',
      'the application announces Transfer-Encoding: chunked, but sends the body without chunks',
    ],
    nextStep:
      'Print the undecoded body with `curl -s --raw http://HOST:PORT/PATH | head -c 400 | xxd`; the first line must be a hexadecimal size.',
  },
  response_transfer_coding: {
    type: 'http_response_transfer_coding',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The application used an unknown transfer coding',
    sentence: ({ address, coding }) =>
      `${address} sent its body in the transfer coding ${quoted(coding)}, which the gateway neither asked for nor knows.`,
    forClient:
      'The application packed its answer in a way that this site cannot open. Its developers must change that.',
    usualCauses: [
      'the application announces compression as Transfer-Encoding instead of Content-Encoding',
      'the header has a value such as "identity", which RFC 9112 no longer defines',
      'a part of the server misspells the name of the coding',
    ],
    nextStep:
      'Search the application and its middleware for the place that sets Transfer-Encoding, and remove it: the server sets it itself.',
  },
  response_body_too_large: {
    type: 'http_response_body_size',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: "The body of the application's answer is too large",
    sentence: ({ address, bytes: size, limit }) =>
      `${address} sent a body of ${bytes(size)} or more; the limit of the route is ${bytes(limit)}.`,
    forClient: 'The answer of the application is larger than this site allows.',
    usualCauses: [
      'a query without a limit returns all rows',
      'the application sends a file on a route that was made for small answers',
      'an endless loop writes the same part again and again',
    ],
    nextStep:
      'Look at what the application sends for this path; raise `response_body_max` of the route if an answer of this size is wanted.',
  },
  response_trailers_too_large: {
    type: 'http_response_trailer_section_size',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: "The application's trailer section is too large",
    sentence: ({ address, bytes: size, limit, headersMax }) =>
      `${address} sent ${bytes(size)} of trailers; the limits are ${bytes(limit)} and ${headersMax} headers.`,
    forClient:
      'The application added more to the end of its answer than this site accepts. Its developers must look at it.',
    usualCauses: [
      'a gRPC status message or its details carry a whole stack trace',
      'timing or tracing data is sent in trailers without a limit',
      'the application sends more data after the last chunk, which reads as trailers',
    ],
    nextStep: 'Show the trailers with `curl -s --raw http://HOST:PORT/PATH | tail -c 2000`, and shorten them.',
  },
  response_upgrade_unexpected: {
    type: 'http_upgrade_failed',
    status: 502,
    whose: 'application',
    retry: 'elsewhere',
    countsAgainstHealth: true,
    logLevel: 'error',
    temporary: false,
    title: 'The application switched protocols without being asked',
    sentence: ({ address, requested, answered, accept }) =>
      `${address} answered 101 Switching Protocols${answered === undefined ? '' : ` (Upgrade: ${quoted(answered)})`} to a request that asked for ${requested === undefined ? 'no such upgrade' : `an upgrade to ${quoted(requested)}`}${requested !== undefined && answered === undefined ? ', and did not name the protocol' : ''}${accept === undefined ? '' : `, ${acceptTexts[accept]}`}.`,
    forClient: 'The application changed to another kind of connection unasked. Its developers must correct that.',
    usualCauses: [
      'a WebSocket handler answers 101 without checking the Upgrade header',
      'the request asked for one protocol, and the application switched to another',
      'a proxy in between removed the Upgrade header, and the application did not notice',
    ],
    nextStep:
      'Send the request without Upgrade by `curl -v http://HOST:PORT/PATH`; the handler must answer 426 or 400, not 101.',
    inThisCase: ({ requested, answered, accept }) => {
      if (accept !== undefined) return notAccepted;
      return requested === undefined
        ? null
        : {
            usualCauses: [
              'the handler supports one protocol and does not compare it with the one in the request',
              'a proxy in between answers the upgrade itself, with the protocol that it knows',
              'the application composes the answer by hand, and its Upgrade header is missing or wrong',
            ],
            nextStep: `Find the handler that answers 101: its Upgrade header must name ${quoted(requested)}${answered === undefined ? '' : `, not ${quoted(answered)}`}; if it does not support that protocol, it must answer without upgrading (RFC 9110 §7.8).`,
          };
    },
  },
  response_upgrade_ignored: {
    type: 'http_upgrade_failed',
    status: 502,
    whose: 'application',
    retry: 'never',
    countsAgainstHealth: false,
    logLevel: 'error',
    temporary: false,
    title: 'The application answered a WebSocket request with an ordinary response',
    sentence: ({ address, received }) =>
      `${address} answered ${received} to a request for a WebSocket, and did not switch protocols. The client speaks HTTP/2, where a 2xx means that the WebSocket is open (RFC 8441), so the gateway did not pass the response on.`,
    forClient: 'There is no live connection at this address. The developers of this site must look at it.',
    usualCauses: [
      'the page connects to a path that has no WebSocket handler, and a general handler answers there',
      'a proxy between the gateway and the application removes the Upgrade header',
      'the application runs on a server that serves no WebSockets, or its handler for them is not installed',
    ],
    nextStep:
      "Try `curl -i -N --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' http://HOST:PORT/PATH`: the answer must be 101, or a status of 300 or more.",
  },
} satisfies Partial<FailureTable>;

/** RFC 9113 §5.4.1. */
function connectionErrorText(streams: number, frameOf: Evidence['response_frames']['frameOf']): string {
  const ended = `This connection error ended ${streams > 1 ? `all ${streams} streams of the connection` : 'the connection'}`;
  if (frameOf === 'another_stream') return `${ended}; the frame belongs to another stream than this request.`;
  if (frameOf === 'connection' && streams > 1) return `${ended}; the frame belongs to none of them.`;
  return frameOf === 'this_stream' && streams > 1 ? `${ended}; the frame belongs to this request.` : `${ended}.`;
}

function broken(rule: keyof typeof responseRules): string {
  const { reason, section } = responseRules[rule];
  return `${reason} (${section})`;
}

/** Whether bytes in hexadecimal begin as an HTTP/1 response does. */
function isHttp1(firstBytes: string): boolean {
  return firstBytes.startsWith('485454502f312e'); // "HTTP/1."
}
