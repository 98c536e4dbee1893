export interface Measurement {
  readonly gateway: string;
  readonly round: number;
  /** Per completed request. */
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One kind of work, ours against theirs. */
export interface Row {
  readonly work: string;
  readonly ours: Summary;
  readonly theirs: Summary;
  /** CPU per request, ours ÷ theirs, of each round; below 1 is better. */
  readonly ratio: { readonly median: number; readonly least: number; readonly most: number };
}

export interface Summary {
  readonly gateway: string;
  /** Medians over the rounds. */
  readonly cpuMicroseconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Circumstances {
  readonly date: string;
  readonly machine: string;
  readonly node: string;
  readonly nginx: string;
  readonly candor: string;
  readonly rounds: string;
}

/** Ratios are taken within a round, whose two runs met the same machine; the medians are for orientation. */
export function summarise(work: string, ours: string, theirs: string, rounds: readonly Measurement[]): Row {
  const mine = rounds.filter(({ gateway }) => gateway === ours);
  const other = rounds.filter(({ gateway }) => gateway === theirs);
  const ratios = mine.map(
    (measured, index) => measured.cpuMicroseconds / (other[index] as Measurement).cpuMicroseconds,
  );
  return {
    work,
    ours: summary(ours, mine),
    theirs: summary(theirs, other),
    ratio: { median: median(ratios), least: Math.min(...ratios), most: Math.max(...ratios) },
  };
}

function summary(gateway: string, rounds: readonly Measurement[]): Summary {
  return {
    gateway,
    cpuMicroseconds: median(rounds.map((round) => round.cpuMicroseconds)),
    perSecond: median(rounds.map((round) => round.perSecond)),
    p50Ms: median(rounds.map((round) => round.p50Ms)),
    p99Ms: median(rounds.map((round) => round.p99Ms)),
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

export function rowText({ work, ours, theirs, ratio }: Row): string {
  const line = (one: Summary): string =>
    `  ${one.gateway.padEnd(7)} ${one.cpuMicroseconds.toFixed(1).padStart(6)} µs CPU per request, ${Math.round(one.perSecond)}/s on one core, p50 ${one.p50Ms.toFixed(2)} ms, p99 ${one.p99Ms.toFixed(2)} ms`;
  const spread = `${ratio.median.toFixed(2)}× (${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)})`;
  return `\n${work}\n${line(theirs)}\n${line(ours)}\n  CPU per request, ${ours.gateway} ÷ ${theirs.gateway}: ${spread}`;
}

export function writeReadme(circumstances: Circumstances, rows: readonly Row[]): string {
  return `# What is measured, and the last figures

\`npm run bench\` measures Candor against Debian's nginx and writes nothing; \`npm run bench -- --write\` writes this
file. \`--source\` runs the unbuilt source instead of the installed tarball, \`--relay\` a bare relay in Candor's place:
the floor on Node. \`--rounds\`, \`--seconds\` and \`--json\` do as they say.

The gateway is pinned to one core; the origin (nginx, a small page from memory) and the load (wrk, 64 kept-alive
connections, the fields of a browser) to another. The two gateways take turns, and ratios are taken within a turn,
because the figures of one machine drift by a third from day to day. Below a tenth, a difference is a tie. CPU time is
user and system time of all the gateway's processes and threads, divided by completed requests. nginx writes its default
access log (\`nginx-gateway.conf\`), Candor its record of each exchange (\`candor.yaml\`). Each has one worker.

| work | nginx, µs CPU | Candor, µs CPU | Candor ÷ nginx, median (least to most) | nginx, requests/s | Candor, requests/s |
|---|---|---|---|---|---|
${rows.map(readmeRow).join('\n')}

Measured on ${circumstances.date}: ${circumstances.machine}; Node ${circumstances.node}, nginx ${circumstances.nginx},
Candor from ${circumstances.candor}; ${circumstances.rounds}.
`;
}

function readmeRow({ work, ours, theirs, ratio }: Row): string {
  const cells = [
    work,
    theirs.cpuMicroseconds.toFixed(1),
    ours.cpuMicroseconds.toFixed(1),
    `${ratio.median.toFixed(2)} (${ratio.least.toFixed(2)} to ${ratio.most.toFixed(2)})`,
    String(Math.round(theirs.perSecond)),
    String(Math.round(ours.perSecond)),
  ];
  return `| ${cells.join(' | ')} |`;
}
