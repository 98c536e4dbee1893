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
export function isSupervisorReport(line: string): boolean {
  return report.test(line);
}

/** What supervisors put before each line of an application: foreman, honcho, Compose, Passenger, puma's cluster mode, uvicorn's logger. */
const prefixes =
  /^(?:(?:\d\d:\d\d:\d\d )?[\w.-]+[-.]\d+ +\| |\d\d:\d\d:\d\d system +\| |App \d+ (?:output|stdout|stderr): |\[\d+\] (?=[!*=\-A-Za-z./])|(?:ERROR|CRITICAL): +(?=Traceback \())/;

/** The line without what a supervisor puts before it. */
export function withoutSupervisorPrefix(line: string): string {
  return line.replace(prefixes, '');
}
