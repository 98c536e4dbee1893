import { type ApplicationLog, rule } from './application-rule.ts';

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
