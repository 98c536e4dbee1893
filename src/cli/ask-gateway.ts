import { type AdminAnswer, askAdmin } from './admin-client.ts';
import { type AdminPlace, placeText } from './admin-place.ts';
import { CommandFailure, type Surroundings } from './surroundings.ts';

export interface GatewayAnswer {
  readonly status: number;
  readonly content: unknown;
}

/** Asks a gateway; a failure to reach it is a `CommandFailure` that says what to do. */
export async function askGateway(
  place: AdminPlace,
  method: 'GET' | 'POST',
  path: string,
  around: Surroundings,
): Promise<GatewayAnswer> {
  const answer = await askAdmin(place, method, path, around.clock);
  if (answer.ok) return answer;
  throw unreachable(placeText(place), answer);
}

/** What an answer other than the wanted one says, as a failure. */
export function refusal(answer: GatewayAnswer): CommandFailure {
  const detail = (answer.content as { detail?: unknown } | null)?.detail;
  return new CommandFailure('failure', typeof detail === 'string' ? detail : `The gateway answered ${answer.status}.`);
}

/** Why no answer came, and what to do. */
export function unreachable(place: string, answer: Extract<AdminAnswer, { ok: false }>): CommandFailure {
  switch (answer.why) {
    case 'nobody_there':
      return new CommandFailure(
        'gateway_unreachable',
        `No gateway answers at ${place} (${answer.errno}). Is it running? \`candor up\` starts one.`,
      );
    case 'not_permitted':
      return new CommandFailure(
        'gateway_unreachable',
        `The admin socket ${place} belongs to another user. Ask as the user who runs the gateway, or as root.`,
      );
    case 'timeout':
      return new CommandFailure('timeout', `The gateway at ${place} took the question and did not answer within 10 s.`);
    case 'not_an_answer':
      return new CommandFailure(
        'gateway_unreachable',
        `What answers at ${place} is no gateway, or it left in the middle of its answer.`,
      );
  }
}
