import { type ApplicationLog, ofWorker, rule } from './application-rule.ts';

const pumaHead = '^(?:\\[\\d{1,10}\\] )?';

export const pumaLog: ApplicationLog = {
  product: 'puma',
  format: 'Puma log',
  needs:
    /timed out worker|Gracefully (?:stopping|shutting)|Puma starting|Out-of-sync worker|Goodbye!|failed to (?:check in|boot)|\* Restarting\.\.\.|Listening on (?:http|unix|tcp|ssl)|- Worker \d/,
  names: ['puma', 'ruby'],
  rules: [
    ofWorker(
      rule(
        'timeout',
        new RegExp(`${pumaHead}! Terminating timed out worker(?: \\((?<why>[^)]{1,100})\\))?: (?<pid>\\d{1,10})`),
        'Puma ended a worker (pid {pid}) that did not report any more ({why}).',
        'Find what blocks it; raise `worker_timeout` only if a request may take so long',
        'worker_timeout 120',
      ),
    ),
    ofWorker(
      rule(
        'crash',
        new RegExp(`${pumaHead}! Out-of-sync worker list, no (?<pid>\\d{1,10}) worker`),
        'A worker of Puma (pid {pid}) ended unexpectedly.',
        'Look for the OOM killer in the kernel log',
      ),
    ),
    rule(
      'stop',
      new RegExp(
        `${pumaHead}(?:- |=== )?(?:Gracefully (?:stopping|shutting down)|puma shutdown|\\* Restarting\\.\\.\\.)`,
      ),
      'Puma was stopped or restarted on purpose.',
    ),
    rule(
      'start',
      new RegExp(`${pumaHead}(?:Puma starting in|\\* Listening on (?<listen>\\S{3,200}))`),
      'Puma was started.',
    ),
    rule(null, new RegExp(`${pumaHead}(?:- Goodbye!|- Worker \\d{1,4} \\(.{0,80}booted|! Terminated by)`), ''),
  ],
};

export const passengerLog: ApplicationLog = {
  product: 'passenger',
  format: 'Passenger log',
  needs: /Request queue full|spawning error|Passenger|age\/Cor\/|request queue/,
  names: ['passenger', 'ruby'],
  rules: [
    rule(
      'saturated',
      /(?:^|\] )(?:\[Client [\d-]{1,20}\] )?(?:Returning HTTP 503 due to: )?Request queue full|request queue is full/i,
      'The request queue of Passenger was full: all processes were busy.',
      'Raise `passenger_max_pool_size` as far as the memory allows, or make slow requests faster',
      'passenger_max_pool_size 12;\npassenger_max_request_queue_size 200;',
    ),
    rule(
      'crash',
      /Cannot checkout session because a spawning error occurred|Could not spawn process for application (?<process>\S{1,200})|App (?<pid>\d{1,10}) .{0,40}(?:crashed|exited prematurely)/,
      'Passenger could not start a process of the application.',
      'Read the error page whose number is in the next lines, or the error of the application',
    ),
  ],
};
