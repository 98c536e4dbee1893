import { startMarkVariable } from './watchdog-script.ts';

/**
 * What a service manager told Candor, and Candor alone: an application that took it over would answer in its place. And
 * what lets its bearer command gateways.
 */
const privateVariables = [
  'CANDOR_TOKEN',
  startMarkVariable,
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
  'CACHE_DIRECTORY',
  // Where the key of all secrets may be.
  'CREDENTIALS_DIRECTORY',
];

/** What applications get of our own environment, or of that of a command. */
export function inheritedEnvironment(own: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return without(own, privateVariables);
}

/** Of a program that listens on no port: a PORT or HOST that Candor itself was given is not its own. */
export function portlessEnvironment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...without(inheritedEnvironment(), ['PORT', 'HOST']), ...own };
}

/**
 * Variables that differ at each start of Candor and that applications do not depend on: systemd counts its starts
 * (systemd.exec(5)), a shell its depth and its last command, a terminal its windows.
 */
const changeableVariables = [
  'INVOCATION_ID',
  'JOURNAL_STREAM',
  'SYSTEMD_EXEC_PID',
  'MAINPID',
  'MANAGERPID',
  'MANAGERPIDFDID',
  'MEMORY_PRESSURE_WATCH',
  'MEMORY_PRESSURE_WRITE',
  '_',
  'SHLVL',
  'PWD',
  'OLDPWD',
  'WINDOWID',
  'TERM_SESSION_ID',
  'SSH_AUTH_SOCK',
  'SSH_CLIENT',
  'SSH_CONNECTION',
  'SSH_TTY',
];

/** What a running application has of our environment and should have again, were it started now. */
export function lastingEnvironment(): NodeJS.ProcessEnv {
  return without(inheritedEnvironment(), changeableVariables);
}

function without(environment: NodeJS.ProcessEnv, names: readonly string[]): NodeJS.ProcessEnv {
  const left = { ...environment };
  for (const name of names) delete left[name];
  return left;
}
