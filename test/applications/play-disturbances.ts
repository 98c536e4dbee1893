import { candorProgram } from '../program.ts';
import { type Disturbance, textOf } from './disturbances.ts';
import { DisturbedGateway, noDiskBecause } from './disturbed-gateway.ts';

interface PlayOptions {
  /** Of the texts of disturbances: others are left out. */
  readonly only?: string;
  readonly isolation?: string;
  /** `bin/candor`. */
  readonly program?: string;
  /** Afterwards no further one begins. */
  readonly forMs?: number;
  /** Ends after the disturbance that goes on. */
  readonly signal?: AbortSignal;
  readonly onCase?: (text: string, broken: readonly string[]) => void;
}

interface Played {
  readonly played: number;
  readonly of: number;
  /** Promises that were not kept, as sentences. */
  readonly broken: readonly string[];
}

/** A gateway has so many, one after the other: what each leaves behind is found when the gateway has ended. */
const perGateway = 25;

/** Plays them one after the other, in gateways that go on until a promise is not kept. */
export async function playDisturbances(all: readonly Disturbance[], options: PlayOptions = {}): Promise<Played> {
  const {
    isolation = 'none',
    program = candorProgram,
    only = '',
    forMs = Number.POSITIVE_INFINITY,
    onCase = () => undefined,
  } = options;
  const isDisk = ({ blow }: Disturbance): boolean => blow.kind === 'disk';
  const named = all
    .filter((one) => textOf(one).includes(only))
    .filter(({ blow }) => isolation !== 'none' || !('at' in blow) || blow.at !== 'sandbox');
  const why = named.some(isDisk) ? noDiskBecause() : null;
  if (why !== null) onCase(`No disk is filled: ${why}`, []);
  const list = why === null ? named : named.filter((one) => !isDisk(one));
  const endsAt = performance.now() + forMs;
  const isOver = (): boolean => performance.now() >= endsAt || options.signal?.aborted === true;
  const broken: string[] = [];
  let played = 0;
  while (played < list.length && !isOver()) {
    const gateway = new DisturbedGateway({ isolation, program, disk: why === null && list.some(isDisk) });
    const tell = (text: string, found: readonly string[]): void => {
      broken.push(...found.map((one) => `${text}: ${one}`));
      onCase(text, found.length === 0 ? found : [...found, gateway.lastWords]);
    };
    const last = played + perGateway;
    try {
      let isWell = await gateway.begin().then(
        () => true,
        (error: unknown) => (tell('in the beginning', [(error as Error).message]), false),
      );
      if (!isWell) break;
      while (isWell && played < Math.min(last, list.length) && !isOver()) {
        const one = list[played] as Disturbance;
        played += 1;
        isWell = await gateway.disturb(one.operation, one.blow, one.afterMs).then(
          () => (tell(textOf(one), []), true),
          (error: unknown) => (tell(textOf(one), [(error as Error).message]), false),
        );
      }
    } finally {
      tell('in the end', await gateway.end());
    }
  }
  return { played, of: list.length, broken };
}
