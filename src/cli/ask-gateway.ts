import { type AdminResponse, askAdmin, type AdminTarget, targetText } from './admin-client.ts';
import type { ProcessContext } from './process-context.ts';
import { CommandFailure } from './command-failure.ts';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';

export interface GatewayResponse {
  readonly status: number;
  readonly body: unknown;
}

/** Asks a gateway; a failure to reach it is a `CommandFailure` that says what to do. */
export async function askGateway(
  target: AdminTarget,
  method: 'GET' | 'POST',
  path: string,
  context: ProcessContext,
  body: object | null = null,
): Promise<GatewayResponse> {
  const answer = await askAdmin(target, method, path, context.clock, null, body);
  if (answer.ok) return answer;
  throw unreachable(targetText(target), answer);
}

/** Turns an answer with an unexpected status into a failure. */
export function refusal(answer: GatewayResponse): CommandFailure {
  const detail = (answer.body as { detail?: unknown } | null)?.detail;
  return new CommandFailure('failure', typeof detail === 'string' ? detail : `The gateway answered ${answer.status}.`);
}

/** Why no answer came, and what to do. */
export function unreachable(address: string, answer: Extract<AdminResponse, { ok: false }>): CommandFailure {
  switch (answer.why) {
    case 'nobody_there':
      return new CommandFailure(
        'gateway_unreachable',
        `No gateway answers at ${address} (${answer.errno}). Is it running? \`candor up\` starts one.`,
      );
    case 'not_permitted':
      return new CommandFailure(
        'gateway_unreachable',
        `The admin socket ${address} belongs to another user. Run the command as the user who runs the gateway, or as root.`,
      );
    case 'not_trusted':
      return new CommandFailure(
        'gateway_unreachable',
        `The certificate of ${address} is not trusted (${answer.errno}). Name the authority that issued it with --ca-file, or use a name that it has.`,
      );
    case 'timeout':
      return new CommandFailure(
        'timeout',
        `The gateway at ${address} accepted the request and did not respond within 10 s.`,
      );
    case 'not_an_answer':
      return new CommandFailure(
        'gateway_unreachable',
        isClosedEarly(answer.errno)
          ? closedEarlyText(address)
          : `The program at ${address} is not a gateway, or it closed the connection during its response.`,
      );
  }
}

/** A program that accepted the connection ended it before its response. */
export const isClosedEarly = (errno: string | null): boolean => errno === 'ECONNRESET' || errno === 'EPIPE';

/** At its limit of descriptors, libuv accepts connections and closes them at once. */
export function closedEarlyText(address: string): string {
  return `The program at ${address} closed the connection without a whole response: it is not a gateway, it is ending, or it has no descriptor left (\`ls /proc/PID/fd | wc -l\`, \`ulimit -n\`).`;
}

/** Far longer than any token: a longer file is not a token file. */
const fileBytesMax = 4096;

/**
 * Reads the token for the admin API over TCP from the file that a flag names, or else from the environment. A flag never
 * holds the token itself, since every user of a machine may list the arguments of processes.
 */
export function readToken(file: string | undefined, context: ProcessContext): string {
  if (file !== undefined) return tokenIn(readTokenFile(resolve(context.directory, file), context), file);
  const variable = context.env['CANDOR_TOKEN'];
  if (variable !== undefined && variable !== '') return tokenIn(variable, 'CANDOR_TOKEN');
  throw new CommandFailure(
    'usage',
    'The gateway requires a token over TCP. Set the variable CANDOR_TOKEN, or put the token into a file that only you can read and pass --token-file. `candor token <name>` creates one.',
  );
}

function readTokenFile(path: string, context: ProcessContext): string {
  let text: string;
  try {
    const found = statSync(path);
    if (found.size > fileBytesMax) throw new CommandFailure('usage', `${path} is too large to be a token.`);
    if (found.isFile() && (found.mode & 0o044) !== 0)
      context.stderr.write(`Other users may read the token in ${path}: \`chmod 600 ${path}\`.\n`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw error instanceof CommandFailure ? error : new CommandFailure('usage', `${path} cannot be read.`);
  }
  return text;
}

/** Rejects a text that cannot stand in a header. Does not print the text, since it may be another secret. */
function tokenIn(text: string, where: string): string {
  const token = text.trim();
  if (/^[\w.~+/=-]+$/.test(token)) return token;
  throw new CommandFailure('usage', `${where} holds no token: letters, digits and -._~+/= on one line.`);
}
