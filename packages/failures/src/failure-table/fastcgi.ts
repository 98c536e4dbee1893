import type { CaseTexts } from '../failure-spec.ts';

const killedScript =
  'php-fpm ended the process: the program ran longer than `request_terminate_timeout`, or broke a rule of memory (SIGSEGV, out of memory)';
const fpmLog =
  'Look into the log of php-fpm (`error_log` of php-fpm.conf, `journalctl -u php*-fpm`) at that second: it says which child ended, by which signal, and how long the program had run.';

export const lostFastCgi: CaseTexts = {
  usualCauses: [
    killedScript,
    'php-fpm was restarted or reloaded, and `process_control_timeout` did not let the request end',
    'the port does not speak FastCGI',
  ],
  nextStep: fpmLog,
};

export const cutFastCgi: CaseTexts = {
  title: "The application's answer broke off",
  usualCauses: [killedScript, 'php-fpm was restarted or reloaded while the program wrote its answer'],
  nextStep: fpmLog,
};

/** php-fpm accepts a connection when a child is free; until then the system has accepted it, and the request with it. */
export const slowFastCgi: CaseTexts = {
  usualCauses: [
    'all children of php-fpm work (`pm.max_children`), so that nothing reads the request; its log says "server reached pm.max_children"',
    'the program itself is slow: a query, a lock of its session, or another server that it asks',
  ],
  nextStep:
    'Ask php-fpm which it is: `listen queue` and `active processes` of its status page (`pm.status_path`) count what waits; `request_slowlog_timeout` writes where slow programs stand. Raise `pm.max_children` as far as memory allows, and set `connections.max` of the upstream to the same number, so that requests wait in the gateway, which says so.',
};

export const fullFastCgiSocket: CaseTexts = {
  title: 'The queue of the application is full',
  usualCauses: [
    'all processes work and as many connections wait as the socket takes: php-fpm has reached `pm.max_children`, and `listen.backlog` is full',
    'programs hang, for example on a database or on the lock of a session',
  ],
  nextStep:
    'Set `connections.max` of the upstream to `pm.max_children` of php-fpm, so that requests wait in the gateway; then raise `pm.max_children` as far as memory allows, and look for slow programs with `request_slowlog_timeout`.',
};

/** By the status of END_REQUEST. */
export const refusedByFastCgi: Readonly<Record<string, CaseTexts>> = {
  FCGI_OVERLOADED: {
    usualCauses: ['the application has as many requests as it can process, and says so'],
    nextStep:
      'Lower `connections.max` of the upstream to what the application processes at a time, or start more of its processes.',
  },
  FCGI_CANT_MPX_CONN: {
    usualCauses: [
      'the application took the request for a second one on its connection, which the gateway never sends: a defect of its FastCGI library',
    ],
    nextStep:
      'Set `connections: { reuse: never }` for the upstream, and update the FastCGI library of the application.',
  },
  FCGI_UNKNOWN_ROLE: {
    usualCauses: ['the application is an authorizer or a filter, and not a responder'],
    nextStep: 'Name the address of a FastCGI application that answers requests, such as php-fpm.',
  },
};
