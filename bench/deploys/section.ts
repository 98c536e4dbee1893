import type { SteadyLoad } from '../../test/steady-load.ts';
import { machineText, revision, versionsOf } from '../circumstances.ts';
import { pm2Package } from './pm2-target.ts';

export interface DeployFigures
  extends Pick<SteadyLoad, 'failures' | 'failed' | 'rate' | 'sent' | 'downloads' | 'messages'> {
  readonly peer: string;
  readonly language: string;
  readonly ends: string;
  /** In milliseconds; empty: it is not known. */
  readonly readyToTraffic: readonly number[];
}

/** For people, without the peer's table. */
export function rowText({ peer, language, ends, readyToTraffic, ...load }: DeployFigures): string {
  const sorted = readyToTraffic.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  return (
    `${peer}, ${language}, ${ends}: ${load.sent} requests at ${load.rate}/s, ${load.downloads} downloads, ${load.messages} messages of a WebSocket: ` +
    `${load.failed} failed${load.failed === 0 ? '' : ` (${kindsOf(load.failures)})`}` +
    (median === undefined ? '' : `\n  from ready to the first request: median ${median} ms, most ${sorted.at(-1)} ms`)
  );
}

function kindsOf(failures: DeployFigures['failures']): string {
  const kinds = [...failures].toSorted(([, a], [, b]) => b.count - a.count);
  return kinds.map(([kind, { count }]) => `${count} × ${kind}`).join('; ');
}

const titles: Readonly<Record<string, string>> = {
  candor: 'Candor, `candor deploy`',
  'systemd-nginx': 'nginx, restart as by systemd',
  pm2: '`pm2 reload`, two processes',
  'pm2-patient': 'the same, `kill_timeout` of 20 s',
};

interface SectionCircumstances {
  readonly deploys: number;
  readonly rate: number;
  /** How the machine was. */
  readonly circumstances: string;
}

/** The section of docs/comparison.md that `npm run bench:deploys` writes. */
export function deploysSection(all: readonly DeployFigures[], of: SectionCircumstances): string[] {
  const versions = [`Candor ${revision()}`, ...versionsOf([]), pm2Package.replace('@', ' '), `Node ${process.version}`];
  const words = `--peer ${[...new Set(all.map(({ peer }) => peer))].join(',')} --ends both`;
  return [
    '## While an application is deployed',
    '',
    `Measured on ${new Date().toISOString().slice(0, 10)} by \`npm run bench:deploys -- ${words}\` (${machineText()}; ${versions.join(', ')}). ${of.circumstances}`,
    `The same Node program is deployed ${of.deploys} times in each row, while clients send ${of.rate} requests a second on kept connections, a fifth of them`,
    'POSTs, read one download of five seconds after the other, and keep a WebSocket open. The program ends as the second column says.',
    '',
    '| deployment | told to end, the program | requests and downloads | failed | kinds |',
    '|---|---|---:|---:|---|',
    ...all.map(
      ({ peer, ends, sent, downloads, failed, failures }) =>
        `| ${titles[peer] ?? peer} | ${ends === 'at_once' ? 'exits' : 'finishes its requests'} | ${sent + downloads} | ${failed} | ${kindsOf(failures) || '—'} |`,
    ),
    '',
    'Candor has two instances, `drain: { timeout: 20s }` and `releases: { bake: 2s, warm: none }`. nginx has its defaults, in front of one process that gets',
    'SIGTERM, is waited for and is started again, which is what `systemctl restart` does with `Type=simple`. PM2 listens itself (cluster mode), sends SIGINT once the',
    'new process listens, and kills after 1.6 s unless `kill_timeout` says otherwise. *reset on a kept connection*: the connection was closed while the client',
    'sent the next request; browsers send a GET once more then, and no POST. *silent*: no answer came within 20 s. A WebSocket that ends with its release is no',
    'failure; *not opened* counts each time at which it could not be opened again. kamal-proxy was not measured: neither Debian 12 nor the npm registry has it.',
  ];
}
