import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SecretsChange } from '../core/schemas/secrets.ts';
import type { FeatureRefusal } from '../core/feature.ts';
import type { Result } from '#failures/result.ts';
import { snakeCased } from '#failures/json-case.ts';
import type { AdminContext } from './admin-context.ts';
import { sendJson, sendProblem } from './answer.ts';
import { audited, doneAction, rejectedAction, type Requester } from './audit.ts';
import { acceptJsonBody } from './request-body.ts';

type SecretsOperation = 'setSecrets' | 'removeSecret' | 'rotateSecretsKey';

const feature = 'secrets';
/** Several files of certificates and keys. */
const secretsBytesMax = 1024 ** 2;

const statuses: Readonly<Partial<Record<string, number>>> = { unknown: 404, invalid: 422 };

export async function sendSecrets(
  gateway: Pick<AdminContext['gateway'], 'askFeature'>,
  { actor }: Requester,
  response: ServerResponse,
): Promise<void> {
  const listed = await gateway.askFeature(feature, { kind: 'list' }, actor);
  if (listed.ok) return sendJson(response, 200, snakeCased(listed.value));
  sendRefusal(response, listed.failure);
}

/** No value of a secret stands in an answer, an event, or a message about the body. */
export async function changeSecrets(
  id: SecretsOperation,
  { gateway, refusal }: Pick<AdminContext, 'gateway' | 'refusal'>,
  requester: Requester,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await acceptJsonBody(request, response, secretsBytesMax);
  if (body === null) return;
  const order = await readOrder(id, body.value);
  if (typeof order === 'string') return sendProblem(response, 422, order);
  const outcome = await audited(
    gateway,
    { id, target: order.target },
    requester,
    async (): Promise<Result<object, FeatureRefusal>> => {
      const why = refusal();
      if (why === null) return gateway.askFeature(feature, order.request, requester.actor);
      return { ok: false, failure: { kind: 'system', reason: why, step: 'Ask again later.' } };
    },
    (result) => (result.ok ? doneAction : { ...rejectedAction, why: result.failure.reason }),
  );
  if (outcome.ok) return sendJson(response, 200, snakeCased(outcome.value as SecretsChange));
  sendRefusal(response, outcome.failure);
}

function sendRefusal(response: ServerResponse, { kind, reason, step }: FeatureRefusal): void {
  sendProblem(response, statuses[kind] ?? 409, `${reason} ${step}`);
}

interface Order {
  readonly target: string | null;
  readonly request: object;
}

/** A text: what is wrong with the body. */
async function readOrder(id: SecretsOperation, body: unknown): Promise<Order | string> {
  if (id === 'rotateSecretsKey') return { target: null, request: { kind: 'rotate_key' } };
  const { removeSecretRequestSchema, setSecretsRequestSchema } = await import('../core/schemas/secrets.ts');
  if (id === 'removeSecret') {
    const { data } = removeSecretRequestSchema.safeParse(body);
    if (data === undefined) return 'The body needs `name`, may have `application`, and nothing else.';
    const { application = null, name } = data;
    return { target: targetOf(application, [name]), request: { kind: 'remove', application, name } };
  }
  const { data } = setSecretsRequestSchema.safeParse(body);
  if (data === undefined)
    return 'The body needs `values`, texts by the names of secrets, may have `application`, and nothing else.';
  const { application = null, values } = data;
  return { target: targetOf(application, Object.keys(values)), request: { kind: 'set', application, values } };
}

const namesMax = 10;

function targetOf(application: string | null, names: readonly string[]): string {
  // What is no name may be a value in the wrong place.
  const shown = names.filter((name) => /^[A-Za-z_][\w.-]{0,127}$/.test(name)).slice(0, namesMax);
  const more = names.length > shown.length ? ` and ${names.length - shown.length} more` : '';
  return `${application === null ? '' : `${application}: `}${shown.join(', ')}${more}`;
}
