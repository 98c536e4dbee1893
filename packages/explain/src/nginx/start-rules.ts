import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import { fix } from './fixes.ts';
import type { NginxVerdict } from './verdict.ts';
import { failed, harmless } from './verdict.ts';

/** Why nginx does not start, or keeps its old configuration. Such a line concerns no request, but explains failures after it. */
export function judgeStart(text: string): NginxVerdict {
  const known = reasons.find(([start]) => text.includes(start));
  if (known?.[0] === 'host not found in upstream') {
    return {
      ...failed({
        shape: 'refused_by_gateway',
        type: 'proxy_configuration_error',
        stage: 'dns',
        whose: 'operator',
        evidence: [text.slice(0, 200)],
        sentence: known[1],
        fix: fix(known[2], known[3]),
      }),
      kind: 'event',
    };
  }
  return {
    ...harmless('event', known?.[1] ?? 'nginx does not start with this configuration, or keeps the previous one.'),
    evidence: [text.slice(0, 200)],
    whose: 'operator',
    fix: fix(
      known?.[2] ?? 'Correct the setting that the line names, and test the configuration before loading it',
      known?.[3] ?? 'nginx -t',
    ),
  };
}

const reasons: readonly (readonly [string, string, string, string])[] = [
  [
    'host not found in upstream',
    'nginx does not start: it looks up the names of its upstreams at start, and this name does not exist yet.',
    'Start the application first, or look the name up at every request with `resolver` and a variable',
    'resolver 127.0.0.11 valid=10s;\nset $app http://app:8080;\nproxy_pass $app;',
  ],
  [
    'bind() to ',
    'nginx does not start: it cannot listen on that address and port.',
    'Find the process that uses the port, or allow nginx to use it',
    'ss -ltnp',
  ],
];

const startForm = /^nginx: \[(?:emerg|alert|crit|error|warn)\] (.{1,2048})/;

/** The lines that nginx writes to standard error before its log is open: `nginx: [emerg] …`. */
export const startLog: Dialect = dialect(
  'nginx',
  'nginx error output',
  (line) => (startForm.test(line.slice(0, 4096)) ? 2 : 0),
  (line) => {
    const found = startForm.exec(line.slice(0, 4096));
    if (found === null) return null;
    const { isConsequence: _, ...verdict } = line.startsWith('nginx: [warn]')
      ? harmless('event')
      : judgeStart(found[1] ?? '');
    return {
      ...verdict,
      gateway: 'nginx',
      format: 'nginx error output',
      confidence: 'certain',
      atMs: null,
      status: null,
      upstream: null,
      request: null,
      durationMs: null,
      joins: null,
      isConsequence: false,
    };
  },
);
