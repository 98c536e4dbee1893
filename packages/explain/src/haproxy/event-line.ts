import type { Finding } from '../finding.ts';
import { commonLogTimeMs, judgedText } from '../line-text.ts';
import type { Verdict } from '../verdict.ts';
import { findingOf, fixOf, harmlessVerdict } from '../verdict.ts';
import { afterSessionStart } from './session-line.ts';

const processPrefix = /(?:^|[\s/])haproxy(?:\[\d{1,10}\]:? |:? )(?:- - )?/;
const levelPrefix = /\[(?:NOTICE|WARNING|ALERT|EMERG|INFO)\] [^:]{0,40}: /;
const eventStarts = /^(?:Backup )?(?:Server|Health check for (?:backup )?server|backend|proxy|Proxy|Connect from) ?\S/;
const eventWords =
  / is (?:UP|DOWN|going (?:UP|DOWN)|stopping|running|back)|has no server available|\bstarted\.|\bstopped|failed, reason:|succeeded, reason:|^Connect from \S+ to \S+ \(/;

/** HAProxy's message, without the prefixes of syslog and of HAProxy. */
function eventText(line: string): string {
  const judged = judgedText(line);
  const process = processPrefix.exec(judged.slice(0, 300));
  const text = process === null ? judged : judged.slice(process.index + process[0].length);
  const level = levelPrefix.exec(text.slice(0, 120));
  return level?.index === 0 ? text.slice(level[0].length) : text;
}

const ownLevel = /^\[(?:NOTICE|WARNING|ALERT)\] +(?:\d{3}\/\d{6} )?\(\d{1,10}\) : /;

export function recogniseEvent(line: string): 0 | 2 {
  if (ownLevel.test(line)) return 2;
  const text = eventText(line);
  return eventStarts.test(text) && eventWords.test(text.slice(0, 2000)) ? 2 : 0;
}

const serverName = /(?:[Ss]erver|backend|proxy|Proxy) '?([^\s']{1,200})'?/;
const checkReason = /reason: ([^,]{1,80})/;
const checkInfo = /info: "([^"]{0,200})"/;

export function readEvent(line: string): Finding | null {
  if (recogniseEvent(line) === 0) return null;
  const text = eventText(line);
  const facts = { gateway: 'haproxy', format: 'HAProxy event log', kind: 'event' } as const;
  if (!eventStarts.test(text)) return findingOf(facts, harmlessVerdict);
  const upstream = text.startsWith('Connect from') ? null : (serverName.exec(text)?.[1] ?? null);
  const evidence = [
    / is DOWN| is UP|has no server available|failed/.exec(text)?.[0].trim(),
    checkReason.exec(text)?.[0],
    checkInfo.exec(text)?.[0],
  ];
  return findingOf(
    { ...facts, upstream, evidence: evidence.filter((word) => word !== undefined) },
    { ...harmlessVerdict, ...judgeEvent(text, upstream) },
  );
}

/** What the check itself met says more than the layer that it reached. */
const infoAdvice: readonly (readonly [RegExp, string])[] = [
  [
    /certificate|self.signed|unable to get (?:local )?issuer/i,
    'Have HAProxy trust the certificate of the server (`ca-file`), and check the name in it (`verifyhost`, `check-sni`); its `server` line has `verify required`',
  ],
  [
    /SSL|TLS|wrong version number|handshake/i,
    'Check the TLS settings of its `server` line (`ssl`, `check-ssl`, `check-sni`): the port may not speak TLS, or expects a name',
  ],
  [
    /No route to host|Network is unreachable|Connection timed out/i,
    'Check the network to the address and port of its `server` line: no packet arrives there',
  ],
];

const reasonAdvice: readonly (readonly [string, string])[] = [
  [
    'Layer4 timeout',
    'Check the network to the address and port of its `server` line: packets to it are lost or dropped',
  ],
  ['Layer4 connection problem', 'Start the application, or correct the address and port of its `server` line'],
  [
    'Layer6',
    'Check the TLS settings of its `server` line (`ssl`, `verify`, `ca-file`, `check-ssl`) and the certificate',
  ],
  ['Layer7 timeout', 'Make the application answer the check sooner, or raise `timeout check`'],
  [
    'Layer7',
    'Have the application answer the check with the status that `option httpchk` and `http-check expect` require',
  ],
];

function judgeEvent(text: string, name: string | null): Partial<Verdict> {
  if (text.includes('has no server available')) {
    return {
      sentence: `No server of ${name} is available: HAProxy refuses every request to it from now on.`,
      isConsequence: true,
    };
  }
  if (!text.includes(' is DOWN') && !text.includes('failed, reason:')) return {};
  const reason = checkReason.exec(text)?.[1] ?? '';
  const info = checkInfo.exec(text)?.[1] ?? '';
  const advice =
    infoAdvice.find(([words]) => words.test(info))?.[1] ??
    reasonAdvice.find(([start]) => reason.startsWith(start))?.[1];
  return {
    sentence: `HAProxy's check of ${name} failed${reason === '' ? '' : `: ${reason}`}.`,
    fix: advice === undefined ? null : fixOf(advice),
  };
}

const connectionError = /^(\S{1,200})\/(\S{1,200}): ([A-Z].{3,200})$/;

/** "client [time] frontend/bind: SSL handshake failure": a connection that ended before a request could be read. */
export function readConnectionError(line: string): Finding | null {
  const start = afterSessionStart(line);
  const match = start === null ? null : connectionError.exec(start.rest.slice(0, 600));
  if (start === null || match === null) return null;
  return findingOf(
    {
      gateway: 'haproxy',
      format: 'HAProxy connection error',
      kind: 'error',
      atMs: commonLogTimeMs(start.time),
      evidence: [match[3] ?? ''],
    },
    {
      ...harmlessVerdict,
      shape: 'client_abort',
      stage: 'request',
      born: 'client',
      whose: 'client',
      sentence: 'The connection of a client ended before HAProxy could read a request from it.',
    },
  );
}
