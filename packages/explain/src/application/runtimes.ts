import type { ProxyErrorType } from '../../../failures/src/proxy-error.ts';
import type { ApplicationEventKind, ApplicationProduct, Fix } from '../finding.ts';

/** One message of a program on the application's side, and what it says happened. */
export interface ApplicationRule {
  /**
   * Matches the message without the time and the names before it. The groups `process`, `unit`, `cgroup`, `container` and
   * `pod` name the application, `listen` is the address at which it listens; the groups `pid` and `why` are for the
   * sentence.
   */
  readonly form: RegExp;
  /** Null: a message that says nothing went wrong, and is no event. */
  readonly kind: ApplicationEventKind | null;
  /** `{process}` stands for the group of that name, or for nothing. */
  readonly sentence: string;
  readonly fix: Fix | null;
  /** What the gateway in front sees, if the line names the request; in a log of its own it counts as an event all the same. */
  readonly seen?: ProxyErrorType;
  /** Whether it is about one worker of a server that has several. */
  readonly isWorker?: boolean;
}

/** The messages of one program. */
export interface ApplicationLog {
  readonly product: ApplicationProduct;
  /** For people: "php-fpm log". */
  readonly format: string;
  /** Words of which each message has one. Looking for them is cheaper than trying all forms. */
  readonly needs: RegExp;
  /** The name of the application if no group gives one: gunicorn serves whatever it serves. */
  readonly names: readonly string[];
  readonly rules: readonly ApplicationRule[];
}

export const rule = (
  kind: ApplicationEventKind | null,
  form: RegExp,
  sentence: string,
  fix: string | null = null,
  snippet: string | null = null,
): ApplicationRule => ({ form, kind, sentence, fix: fix === null ? null : { text: fix, snippet } });

/** A rule about one request. */
export const seenAs = (type: ProxyErrorType, one: ApplicationRule): ApplicationRule => ({ ...one, seen: type });

/** A rule about one worker of several. */
export const ofWorker = (one: ApplicationRule): ApplicationRule => ({ ...one, isWorker: true });

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

/** Ports of services that an application uses; no application is behind a gateway at one of them. */
const services =
  '(?<why>5432|3306|3307|6379|6380|26379|27017|5672|5671|9092|11211|9200|9300|2181|1433|1521|9042|7687|4222|8086|2379|389|636|25|465|587)';
const hostOfService =
  '(?<why>(?:[\\w-]{1,60}[.-])?(?:postgres(?:ql)?|mysql|mariadb|redis|mongo(?:db)?|rabbitmq|kafka|memcached|elasticsearch|db|database|cache|smtp|mail)(?:[.-][\\w.-]{1,120})?)';

/** What Node.js prints when a program ends, and when it cannot reach a service that it uses. */
export const nodeLog: ApplicationLog = {
  product: 'nodejs',
  format: 'Node.js output',
  needs:
    /JavaScript heap|<--- |[Uu]ncaught|[Uu]nhandled|EADDRINUSE|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|node:(?:internal|events)|^\s{0,200}throw |Node\.js v|(?:events|internal\/[\w/]{1,60})\.js:|app crashed|PM2/,
  names: ['node'],
  rules: [
    rule(
      'crash',
      /^FATAL ERROR: .{0,200}JavaScript heap out of memory/,
      'Node.js ended, because its JavaScript heap was full.',
      'Find what keeps so much in memory; raise the limit of the heap only below that of the container',
      'node --max-old-space-size=2048 server.js',
    ),
    rule(
      'crash',
      /^(?:<--- Last few GCs --->|<--- JS stacktrace --->)/,
      'Node.js is ending: its JavaScript heap is full.',
    ),
    rule(
      'crash',
      /^(?:\[?\w{0,10}\]? ?)(?:Uncaught|uncaughtException|Uncaught Exception|\[UnhandledPromiseRejection|UnhandledPromiseRejection(?:Warning)?)\b.{0,200}/,
      'A program of Node.js ended or may have ended, because of an error that it did not handle.',
      'Read the stack trace after it; handle errors where they arise',
    ),
    rule(
      'crash',
      /^\s{0,8}throw (?:(?:er|err|error|new \w*Error)\b.{0,40}(?:;|\/\/ Unhandled 'error' event)|new \w{0,60}Error\(.{0,300}\);?$)/,
      'A program of Node.js ended, because of an error that it did not handle.',
      'Read the stack trace after it',
    ),
    rule(
      'crash',
      /^(?:node:(?:internal\/[\w/]{1,60}|events)|(?:internal\/[\w/]{1,60}|events)\.js):\d{1,6}$/,
      'A program of Node.js ended, because of an error that it did not handle.',
      'Read the stack trace after it',
    ),
    rule(
      'crash',
      /^Node\.js v\d{1,3}\.\d{1,3}\.\d{1,3}$/,
      'Node.js ended, because of an error that the program did not handle.',
      'Read the stack trace before it',
    ),
    rule(
      'crash',
      /^\[nodemon\] app crashed/,
      'The program under nodemon ended with an error; nodemon waits for a change of its files.',
      'Read its output before it; nodemon is a tool for development, and does not restart what ended',
    ),
    rule(
      'crash',
      /^PM2 {1,8}\| App \[(?<process>[^\]:]{1,100})(?::\d{1,5})?\] exited with code \[(?<why>(?!0\])\d{1,3})\]/,
      'The program {process} under PM2 exited with code {why}.',
      'Read its own log at that second',
      'pm2 logs NAME --err --lines 100',
    ),
    rule(
      'exit',
      /^PM2 {1,8}\| App \[(?<process>[^\]:]{1,100})(?::\d{1,5})?\] exited with code \[0\]/,
      'The program {process} under PM2 exited.',
    ),
    rule(
      'crash',
      /^(?:Error: )?listen EADDRINUSE: address already in use (?<why>\S{1,100})/,
      'A program of Node.js could not start: {why} is in use by another process.',
      'Stop the other process first, or let the program listen elsewhere',
    ),
    rule(
      'dependency',
      new RegExp(
        `^(?:.{0,120}[^\\w-])?(?:Error|errno|code|cause|MongoServerSelectionError|ConnectionError).{0,120}\\b(?:connect )?(?:ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH)\\b.{0,20}[\\s:]\\S{0,80}:${services}\\b`,
      ),
      'The application could not connect to a service that it uses, at port {why}.',
      'Start that service, or correct its address in the configuration of the application',
    ),
    rule(
      'dependency',
      new RegExp(`^(?:.{0,120}[^\\w-])?Error: getaddrinfo (?:ENOTFOUND|EAI_AGAIN) ${hostOfService}\\b`),
      'The application could not look up the name of a service that it uses: {why}.',
      'Correct the name in the configuration of the application, or start that service',
    ),
  ],
};

const gunicornHead = '^(?:\\[\\d{1,10}\\] )?\\[(?:CRITICAL|ERROR|WARNING|INFO)\\] ';

export const gunicornLog: ApplicationLog = {
  product: 'gunicorn',
  format: 'gunicorn log',
  needs:
    /WORKER TIMEOUT|Worker \(pid:|Worker exiting|Handling signal|Starting gunicorn|Listening at:|Shutting down: Master|Booting worker|Worker failed to boot|Exception in worker|Worker with pid \d{1,10} was terminated/,
  names: ['gunicorn', 'python'],
  rules: [
    ofWorker(
      rule(
        'timeout',
        new RegExp(`${gunicornHead}WORKER TIMEOUT \\(pid:(?<pid>\\d{1,10})\\)`),
        'gunicorn ended a worker (pid {pid}) that had not answered for `--timeout` seconds.',
        'Raise `--timeout` if requests may take so long, or use threads or another worker class',
        'gunicorn --timeout 120 --threads 4 app:app',
      ),
    ),
    ofWorker(
      rule(
        'oom_kill',
        // Releases differ in the words.
        new RegExp(
          `${gunicornHead}Worker (?:\\(pid:|with pid )(?<pid>\\d{1,10})(?:\\) was sent SIGKILL! Perhaps out of memory\\?| was terminated due to signal 9\\b)`,
        ),
        'A worker of gunicorn (pid {pid}) was killed: after a timeout by gunicorn itself, otherwise probably by the OOM killer.',
        'Look for the OOM killer in the kernel log; give it more memory, or use fewer workers',
        'dmesg -T | grep -i -E "oom|killed process"',
      ),
    ),
    ofWorker(
      rule(
        'crash',
        new RegExp(
          `${gunicornHead}Worker (?:\\(pid:|with pid )(?<pid>\\d{1,10})(?:\\) was sent | was terminated due to )(?<why>SIG(?!TERM|INT|QUIT|HUP|KILL)\\w{2,6}(?=!)|signal (?:[4-8]|11)\\b)`,
        ),
        'A worker of gunicorn (pid {pid}) was ended by {why}.',
        'A native module has crashed; update it',
      ),
    ),
    rule(
      'crash',
      new RegExp(
        `${gunicornHead}(?:Reason: Worker failed to boot|Worker \\(pid:(?<pid>\\d{1,10})\\) exited with code (?!0)\\d+|Exception in worker process)`,
      ),
      'A worker of gunicorn failed.',
      'Read the lines around it: they have the error of Python',
    ),
    rule(
      'stop',
      new RegExp(`${gunicornHead}(?:Handling signal: (?:term|int|quit|hup|usr2)|Shutting down: Master)`),
      'gunicorn was stopped or restarted on purpose.',
    ),
    rule(
      'start',
      new RegExp(`${gunicornHead}(?:Starting gunicorn|Listening at: (?<listen>[^\\s,]{3,200}))`),
      'gunicorn was started.',
    ),
    rule(
      null,
      new RegExp(`${gunicornHead}(?:Booting worker|Worker exiting|Worker \\(pid:\\d{1,10}\\) was sent SIG)`),
      '',
    ),
  ],
};

export const uwsgiLog: ApplicationLog = {
  product: 'uwsgi',
  format: 'uWSGI log',
  needs:
    /HARAKIRI|DAMN !|listen queue|uWSGI|SIGINT\/SIGTERM received|gracefully killing|Respawned uWSGI|SIGPIPE: writing|\*\*\* no app/,
  names: ['uwsgi', 'python'],
  rules: [
    ofWorker(
      rule(
        'timeout',
        /^\*\*\* HARAKIRI ON WORKER (?<why>\d{1,5}) \(pid: (?<pid>\d{1,10})/,
        'uWSGI ended worker {why} (pid {pid}), whose request took longer than `harakiri`.',
        'Raise `harakiri` if requests may take so long; otherwise make them faster',
        'harakiri = 120',
      ),
    ),
    rule(null, /^(?:HARAKIRI: |HARAKIRI !!! |-- |HARAKIRI \[core)/, ''),
    ofWorker(
      rule(
        'crash',
        /^DAMN ! worker (?<why>\d{1,5}) \(pid: (?<pid>\d{1,10})\) died, killed by signal 9/,
        'Worker {why} of uWSGI (pid {pid}) was killed by signal 9: by `harakiri`, or by the OOM killer.',
        'Without a line about HARAKIRI before it, look for the OOM killer in the kernel log',
        'dmesg -T | grep -i -E "oom|killed process"',
      ),
    ),
    ofWorker(
      rule(
        'crash',
        /^DAMN ! worker (?<why>\d{1,5}) \(pid: (?<pid>\d{1,10})\) died/,
        'Worker {why} of uWSGI (pid {pid}) crashed.',
        'A native module has crashed; update it',
      ),
    ),
    rule(
      'saturated',
      /^\*\*\* uWSGI listen queue of socket (?:"(?<listen>[^"]{1,200})")?.{0,200}full/,
      'The listen queue of uWSGI was full: all workers were busy.',
      'Raise the number of `processes` or `threads`, then `listen` and `net.core.somaxconn`',
      'processes = 8\nthreads = 4\nlisten = 1024',
    ),
    rule(
      'stop',
      /^(?:SIGINT\/SIGTERM received|\.\.\.gracefully killing workers|Gracefully killing worker|SIGTERM received)/,
      'uWSGI was stopped or restarted on purpose.',
    ),
    rule('start', /^\*\*\* Starting uWSGI/, 'uWSGI was started.'),
    rule(
      null,
      /^(?:SIGPIPE: writing to a closed pipe|Respawned uWSGI|spawned uWSGI|goodbye to uWSGI|worker \d+ (?:killed successfully|buried))/,
      '',
    ),
  ],
};
