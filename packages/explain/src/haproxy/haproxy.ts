import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { findingOf } from '../verdict.ts';
import { readConnectionError, readEvent, recogniseEvent } from './event-line.ts';
import { readJsonSession } from './json-line.ts';
import type { SessionLine } from './session-line.ts';
import { readClfSession, readHttpSession, readTcpSession } from './session-line.ts';
import { hasServer, judgeEnding } from './termination.ts';

/** The formats of HAProxy's documentation (sections 8.2.1 to 8.2.5), with and without a prefix of syslog. */
export const haproxyDialects: readonly Dialect[] = [
  sessions('HAProxy HTTP log', readHttpSession),
  sessions('HAProxy TCP log', readTcpSession),
  sessions('HAProxy HTTP log (CLF)', readClfSession),
  sessions('HAProxy log (JSON)', readJsonSession),
  dialect(
    'haproxy',
    'HAProxy connection error',
    (line) => (readConnectionError(line) === null ? 0 : 2),
    readConnectionError,
  ),
  dialect('haproxy', 'HAProxy event log', recogniseEvent, readEvent),
];

function sessions(format: string, read: (line: string) => SessionLine | null): Dialect {
  return dialect(
    'haproxy',
    format,
    (line) => (read(line) === null ? 0 : 2),
    (line) => {
      const session = read(line);
      return session === null ? null : findingOfSession(format, session);
    },
  );
}

export function findingOfSession(format: string, session: SessionLine): Finding {
  const verdict = judgeEnding(session);
  const { atMs, request, durationMs, status } = session;
  return findingOf(
    {
      gateway: 'haproxy',
      format,
      kind: 'access',
      atMs,
      request,
      durationMs,
      status: status === null || status < 100 ? null : status,
      upstream: upstreamOf(session),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(session),
    },
    verdict,
  );
}

/** A custom format may leave the backend out. */
function upstreamOf(session: SessionLine): string | null {
  const { backend, server } = session;
  if (!hasServer(session)) return backend === '' ? null : backend;
  return backend === '' ? server : `${backend}/${server}`;
}

function evidenceOf(session: SessionLine): readonly string[] {
  const words = [session.state, session.timers].filter((word) => word !== '');
  if (session.status !== null) words.push(String(session.status));
  if (!hasServer(session)) words.push(`${session.backend}/${session.server}`);
  if (session.retries !== '0') words.push(`retries ${session.retries}`);
  return words;
}
