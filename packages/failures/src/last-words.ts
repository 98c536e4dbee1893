import { isErrorLine } from './error-line.ts';

/** What the last lines of a program say of why it ended. */
export interface LastWords {
  /** Name and message of the error, or the last line that says something. */
  readonly error: string;
  /** The index of its line. */
  readonly at: number;
  /** What the error was caused by, as the runtime prints it; null: it does not say. */
  readonly cause: string | null;
  /** The innermost position that is in the program's own files, of the cause if that has one; null: there is none. */
  readonly position: string | null;
  /** It is an error that ended something, as its stack or its runtime shows, and no line of a log. */
  readonly isError: boolean;
}

/** The last words of V8, of Go, of the JVM and of PHP, before a stack of any length. */
const givenUp =
  /^(?:FATAL ERROR: |#\s*Fatal error in |panic: |fatal error: |(?:PHP )?Fatal error: |Exception in thread "|java\.lang\.OutOfMemoryError)/;
const givenUpLinesMax = 100;

/**
 * Around the sentence that tells: versions of runtimes, frames of V8, advice of Rust, Node and Go, where Node emitted an error,
 * how Python joins two tracebacks, heads of stacks, and causes, which belong to the error before them.
 */
const farewells =
  /^(?:(?:Node\.js|Bun) v[\d.]+(?: \(.*\))?$|\d+: 0x[0-9a-f]+ |-+ \w+ stack trace -+$|stack backtrace:$|Stack trace:$|#\d+ |note: (?:run with `RUST_BACKTRACE|Some details are omitted)|\(Use `node --trace|Emitted '\w+' event (?:at|on)|exit status \d+$|Caused by: |During handling of the above exception,|The above exception was the direct cause|Error: (?:Could not create the Java Virtual Machine|A fatal exception has occurred\. Program will exit)\.$)/;

/** What programs print besides the sentence that says what was wrong with their options or their script: usage, advice, the line of the script. */
const advice =
  /^(?:usage(?::| of \S+$)|(?:available )?(?:options|commands|arguments|flags):$|(?:try|run|see|for more information,?(?: try| run| see)?) .*-h(?:elp)?\b|\S+: use -\[v\]S to pass options in shebang lines$|\S+: line \d+: `.*'$)/i;

/** A traceback of Python; its error is the first line after its frames. */
const traceback = /^Traceback \(most recent call last\):/;

/** How Spring Boot begins its report; a description follows. */
const springReport = /^APPLICATION FAILED TO START$/;

/** How errors begin: 'TypeError: …', 'app.PaymentError [ERR_X]: …', 'Uncaught …'. */
const errorHead = /^(?:Uncaught |Unhandled exception\. )?[\w.$:]*(?:Error|Exception|Rejection)\b(?: \[\w+\])?(?::|$)/;

/** Of a message with several lines, so many are looked through for its beginning. */
const messageLinesMax = 20;

/**
 * Null: there is no line with text. The oldest line comes first. `hasFailed`: the program has ended with a code that says so. Then a
 * line that says an error outranks a goodbye after it; a program that runs has gone on after such an error.
 */
export function lastWords(output: readonly string[], hasFailed = false): LastWords | null {
  const lines = output.map(withoutSupervisorPrefix);
  const found = lines.findLastIndex((line, index) => index >= lines.length - givenUpLinesMax && givenUp.test(line));
  const at = found >= 0 ? found : errorIndex(lines, hasFailed);
  const error = lines[at];
  if (error === undefined) return null;
  const stack = lines.slice(at + 1);
  const cause = causeOf(stack);
  const words = { cause, position: positionOf(lines, at, stack), isError: found >= 0 || isErrorAt(lines, at) };
  const thrown = cause === null && logged.test(error) ? indentedError.exec(stack[0] ?? '')?.[1] : undefined;
  if (thrown !== undefined) return { ...words, error: thrown.trimEnd(), at: at + 1, isError: true };
  return { ...words, error: error.trimEnd(), at };
}

/**
 * Of a program that has ended. A shell says by 128 and the number of a signal that this ended the program: what that printed last need be no
 * error. PHP ends with 255.
 */
export function wordsAfterExit(
  output: readonly string[],
  { code }: { readonly code: number | null },
): LastWords | null {
  const isOfSignal = code !== null && code > 128 && code <= 128 + 64;
  return lastWords(output, code !== null && code > 0 && !isOfSignal);
}

/** How Tomcat logs an exception: below the line of the log, which says what failed because of it. */
const indentedError = /^\s+((?:[\w$]+\.)+\w*(?:Error|Exception)\b.*)$/;

/** An error that was handled often has a stack too, and its sentence begins with a level or a time. */
function isErrorAt(lines: readonly string[], at: number): boolean {
  const error = lines[at] ?? '';
  const hasStack = lines.slice(at + 1, at + 1 + messageLinesMax).some((line) => frame.test(line));
  if (hasStack && errorHead.test(error)) return true;
  if (frame.test(lines[at + 1] ?? '')) return !logged.test(error);
  // Ruby begins with the position, Python ends with the error.
  return /^\S+:\d+:in /.test(error) || tracebackBefore(lines, at);
}

function errorIndex(lines: readonly string[], hasFailed: boolean): number {
  const spring = lines.findLastIndex((line) => springReport.test(line));
  const reported = spring === -1 ? -1 : lines.findIndex((line, index) => index > spring && tells(line));
  if (reported !== -1) return reported;
  const latest = lines.findLastIndex((line, index) => tells(line) && !isQuotedSource(lines, index));
  if (latest === -1) {
    const hints = [severeReport, /^usage(?::| of \S+$)/i, /\S/].map((hint) =>
      lines.findLastIndex((line) => hint.test(line)),
    );
    return hints.find((index) => index !== -1) ?? -1;
  }
  const last = hasFailed ? (errorBeforeGoodbye(lines, latest) ?? latest) : latest;
  const first = Math.max(0, last - messageLinesMax);
  const start = lines.findLastIndex((line, index) => index < last && traceback.test(line));
  const python = start === -1 ? -1 : lines.findIndex((line, index) => index > start && tells(line));
  const isMessage = (index: number): boolean => index >= first && errorHead.test(lines[index] ?? '');
  if (isMessage(python) && !lines.slice(python + 1, last + 1).some((line) => logged.test(line))) return python;
  // A message of several lines is followed by a stack; one without is of something else.
  if (!frame.test(lines[last + 1] ?? '')) return last;
  const head = lines.findLastIndex((_, index) => index <= last && isMessage(index));
  // A stack between them belongs to an earlier error.
  return head === -1 || lines.slice(head, last).some((line) => frame.test(line)) ? last : head;
}

/** Lines that a program prints between its error and its end: it closes this and that, and takes leave. */
const goodbyeLinesMax = 10;

/** The program went on after what it had printed before. */
const wentOn = /\b(?:listening|ready|started|serving|running|continuing|going on|without)\b/i;

/** Where the last line says no error, and one of those before it does. */
function errorBeforeGoodbye(lines: readonly string[], last: number): number | null {
  let said = 0;
  for (let index = last; index >= 0 && said <= goodbyeLinesMax; index--) {
    const line = lines[index] ?? '';
    if (!tells(line) || isQuotedSource(lines, index)) continue;
    if (isErrorLine(line) || isErrorAt(lines, index)) return index;
    if (wentOn.test(line)) return null;
    said += 1;
  }
  return null;
}

/** Ruby and Perl show the line of source below the error, with a mark under its place. */
function isQuotedSource(lines: readonly string[], index: number): boolean {
  return /^\s*[~^]+\s*$/.test(lines[index + 1] ?? '') && !errorHead.test(lines[index] ?? '');
}

/** Where only a supervisor has printed something: the end of a worker says more than the start of the next one. */
const severeReport = /^\[.+\] \[(?:WARNING|ERROR|CRITICAL)\] /;

/** A line of a logger. */
const logged = /^(?:[[{\d]|(?:trace|debug|info|notice|warn|error|fatal|critical)\w*\b)/i;

/**
 * Whether a line of output says something by itself: it is no part of a stack, no bracket, no farewell of a runtime, no report of a
 * supervisor.
 */
export function tells(line: string): boolean {
  return (
    /^\S.*\w/.test(line) &&
    !farewells.test(line) &&
    !advice.test(line) &&
    !traceback.test(line) &&
    !isSupervisorReport(line)
  );
}

const frame = /^\s+(?:at |File "|from )/;

const causeHead = /^\s*(?:Caused by:|\[cause\]:|--->) (.+)$/;

/** 'Caused by: …' of Java, '[cause]: …' of Node, '---> …' of .NET: the innermost one. */
function causeOf(stack: readonly string[]): string | null {
  const causes = stack.flatMap((line) => causeHead.exec(line)?.[1] ?? []);
  const cause = causes.at(-1);
  return cause === undefined ? null : cause.replace(/ \{$/, '');
}

/** Below the last cause; else of the error itself. */
function stackPosition(stack: readonly string[]): string | null {
  const last = stack.findLastIndex((line) => causeHead.test(line));
  return (last === -1 ? null : positionAfter(stack.slice(last + 1))) ?? positionAfter(stack);
}

/** Node and Bun print the line of source above an error of syntax, whose stack has no frame of the program. */
function sourcePosition(before: readonly string[]): string | null {
  const mark = before.findLastIndex((line) => /^\s*\^/.test(line));
  const heading = /^(?:file:\/\/)?(\/.+:\d+)$/.exec(before[mark - 2] ?? '')?.[1];
  const isAbove = mark >= 2 && before.slice(mark + 1).every((line) => line.trim() === '');
  return isAbove && heading !== undefined && !foreign.test(heading) ? heading : null;
}

function positionOf(lines: readonly string[], at: number, stack: readonly string[]): string | null {
  // Ruby begins with the position.
  const head = lines[at] ?? '';
  if (/^\S+:\d+:in /.test(head) && !foreign.test(head)) return null;
  const rust = /^thread '.*'(?: \(\d+\))? panicked at (\S+?):?$/.exec(lines[at - 1] ?? '')?.[1];
  const go = head.startsWith('panic: ') || head.startsWith('fatal error: ');
  return (
    rust ??
    (go
      ? goPosition(stack)
      : (stackPosition(stack) ?? sourcePosition(lines.slice(0, at)) ?? pythonPosition(lines.slice(0, at))))
  );
}

/** Parts of the runtime and of packages. */
const foreign =
  /\bnode:|\binternal\/|node_modules|<anonymous>\)?$|^(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|scala|clojure\.lang|org\.(?:springframework|apache|eclipse|hibernate)|io\.netty|System|Microsoft)\.|\/gems\/|site-packages|dist-packages|\/lib\/python|<frozen |\/usr\/(?:local\/)?(?:lib\/)?go[-/]|\/pkg\/mod\//;

/** Node, Java, .NET and Ruby: the innermost one comes first. */
function positionAfter(stack: readonly string[]): string | null {
  const start = stack.findIndex((line) => frame.test(line));
  if (start === -1) return null;
  const end = stack.findIndex((line, index) => index > start && !/^\s+\S/.test(line));
  const own = stack.slice(start, end === -1 ? undefined : end);
  for (const line of own) {
    const position = /^\s+(?:at|from) (.+?)(?: \{)?$/.exec(line)?.[1];
    if (position !== undefined && !foreign.test(position)) return position;
  }
  return null;
}

/** Whether a traceback of Python stands before the line, or the place of an error of syntax, which has no head. */
function tracebackBefore(lines: readonly string[], at: number): boolean {
  const start = lines.findLastIndex((line, index) => index < at && /^\S/.test(line));
  return (
    traceback.test(lines[start] ?? '') || (start + 1 < at && /^  File ".+", line \d+$/.test(lines[start + 1] ?? ''))
  );
}

/** Python: the innermost one comes last, before the error. */
function pythonPosition(before: readonly string[]): string | null {
  const start = before.findLastIndex((line) => /^\S/.test(line));
  if (!tracebackBefore(before, before.length)) return null;
  const positions = before.slice(Math.max(0, start)).flatMap((line) => {
    const [, file = '', number = '', name = ''] = /^\s+File "(.+)", line (\d+)(?:, in (.+))?$/.exec(line) ?? [];
    return file === '' || foreign.test(file) ? [] : [`${name === '' ? '' : `${name} `}(${file}:${number})`];
  });
  return positions.at(-1) ?? null;
}

/** Go: the function, and its file in the next line. */
function goPosition(stack: readonly string[]): string | null {
  for (const [index, line] of stack.entries()) {
    const file = /^\t(\S+\.go:\d+)/.exec(line)?.[1];
    if (file === undefined || foreign.test(file) || /\/src\/(?:runtime|internal|net|sync)\//.test(file)) continue;
    const name = /^([\w./*()-]+?)\((?:[^()]*)\)$/.exec(stack[index - 1] ?? '')?.[1];
    return name === undefined ? file : `${name} (${file})`;
  }
  return null;
}

/**
 * What programs print that run or start another program: process managers, application servers, package managers. When the
 * application ends, they report it, and then their own end. These lines come last and hide the reason.
 */

/** Lines that report how an application or a worker ended, or that the supervisor ends too, by the program that prints them. */
const reports: Readonly<Record<string, RegExp>> = {
  gunicorn:
    /^\[.+\] \[\w+\] (?:Starting gunicorn |Listening at: |Using worker: |Booting worker with pid: |Worker exiting \(pid: |Worker \(pid:\d+\) (?:exited with code|was sent SIG)|Worker with pid \d+ was terminated due to signal|Handling signal: |Exception in worker process$|Shutting down: Master$|Reason: (?:Worker failed to boot|App failed to load)\.$|Retrying in \d+ second|Can't connect to )|^gunicorn\.errors\.HaltServer: /,
  uvicorn:
    /^INFO: +(?:Stopping (?:parent|reloader) process|Shutting down$|Finished server process|Waiting for (?:application shutdown|child process|background tasks)|Application shutdown complete|Terminated child process|Child process )|^ERROR: +Application startup failed\. Exiting\.$|^Process SpawnProcess-\d+:$/,
  uwsgi:
    /^\*\*\* (?:no app loaded|uWSGI is running|Operational MODE|Stats server|Starting uWSGI)|^spawned uWSGI |^unable to load app \d+ |^VACUUM: |^SIG\w+.* received\b/,
  puma: /^(?:=== puma shutdown|- Goodbye!|- Gracefully (?:shutting down|stopping)|Early termination of worker$|Use Ctrl-C to stop$|Exiting$|! Unable to start worker$)/,
  phpFpm:
    /^\[[^\]]+\] (?:ERROR: (?:FPM initialization failed|failed to load configuration file|failed to post process )|NOTICE: )/,
  tomcat:
    /^\S+ [\d:.]+ SEVERE \[[^\]]*\] org\.apache\.catalina\.startup\.Bootstrap\.main Cannot start server\.|^\S+ [\d:.]+ INFO \[[^\]]*\] org\.apache\.(?:catalina|coyote|tomcat)\.|^(?:Using (?:CATALINA_|JRE_HOME|CLASSPATH)|NOTE: Picked up )/,
  springBoot:
    /^(?:Error starting ApplicationContext\. To display the |To display the condition evaluation report|\*{10,}$|APPLICATION FAILED TO START$|Description:$)/,
  npm: /^npm (?:error|ERR!)(?: *$| (?:(?:code|errno|syscall|path|workspace|location|command|cwd)(?: |$)|A complete log |Lifecycle script |To see a list of scripts|  npm run$|404 *$|404 (?:Note that|tarball,| The requested|'.*' is not in)|Log files were|enoent (?:This is related|$)|enoent$|    ))/,
  yarn: /^error Command failed with exit code \d+\.$|^info Visit https:|^\[ELIFECYCLE\] /,
  // In the words of those who write a primary process of a cluster.
  cluster:
    /^(?:\[[\w :.-]+\] )?worker (?:process )?(?:#|pid:? ?)?\d+:? (?:has |was )?(?:died|exited|ended|terminated|crashed|disconnected|killed)\b/i,
  nodemon: /^\[nodemon\] /,
  pm2: /^\S+: PM2 (?:log|error): |^PM2 +\| /,
  // After 'Restarting', which is no report, another program runs.
  nodeWatch: /^(?:Failed|Completed) running '.*'(?:\. Waiting for file changes before restarting\.\.\.)?$/,
  make: /^(?:g?make|just|task)(?:\[\d+\])?: (?:\*\*\* |Failed to run task|Leaving directory)|^error: Recipe `/,
  foreman: /^(?:exited with code \d+$|terminated by SIG|sending SIG\w+ to |\S+ (?:stopped|started) \((?:rc|pid)=)/,
  passenger: /^\[ [A-Z] .+\]: (?:\[Client |Could not spawn process |Cannot checkout session)/,
  shell: /^(?:Aborted|Killed|Terminated|Segmentation fault)(?: \(core dumped\))?$/,
};

const report = new RegExp(
  Object.values(reports)
    .map(({ source }) => source)
    .join('|'),
);

/** Whether a supervisor reports with this line that an application ended, or ends itself. */
function isSupervisorReport(line: string): boolean {
  return report.test(line);
}

/** What supervisors put before each line of an application: foreman, honcho, Compose, Passenger, puma's cluster mode, uvicorn's logger. */
const prefixes =
  /^(?:(?:\d\d:\d\d:\d\d )?[\w.-]+[-.]\d+ +\| |\d\d:\d\d:\d\d system +\| |App \d+ (?:output|stdout|stderr): |\[\d+\] (?=[!*=\-A-Za-z./])|(?:ERROR|CRITICAL): +(?=Traceback \())/;

/** The line without what a supervisor puts before it. */
function withoutSupervisorPrefix(line: string): string {
  return line.replace(prefixes, '');
}
