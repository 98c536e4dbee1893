import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ReleaseRefusal } from '../deploy/release-refusal.ts';
import type { RolloutChange, RolloutOutcome } from '../control/releases.ts';
import { snakeCased } from '#failures/json-case.ts';
import type { AdminContext } from './admin-context.ts';
import { sendJson, sendProblem } from './answer.ts';
import { audited, doneAction, rejectedAction, type Requester } from './audit.ts';
import { acceptJsonBody } from './request-body.ts';

type RolloutOperation = 'deploy' | 'promoteRelease' | 'abortRollout' | 'rollBack';

const kinds = { promoteRelease: 'promote', abortRollout: 'abort', rollBack: 'rollback' } as const;

interface Order {
  readonly target: string;
  readonly run: (actor: string) => Promise<RolloutOutcome>;
}

interface Plan {
  readonly plan: () => ReturnType<AdminContext['gateway']['planDeploy']>;
}

/** The operations that begin, change and end rollouts. */
export async function changeRollout(
  id: RolloutOperation,
  { gateway, refusal }: Pick<AdminContext, 'gateway' | 'refusal'>,
  requester: Requester,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await acceptJsonBody(request, response);
  if (body === null) return;
  const order = await readOrder(id, body.value, gateway);
  if (typeof order === 'string') return sendProblem(response, 422, order);
  if ('plan' in order) {
    const plan = await order.plan();
    return plan.ok ? sendJson(response, 200, snakeCased(plan.value)) : sendRefusal(response, plan.failure);
  }
  const outcome = await audited(
    gateway,
    { id, target: order.target },
    requester,
    async (): Promise<RolloutOutcome> => {
      const why = refusal();
      if (why === null) return order.run(requester.actor);
      return { ok: false, failure: { kind: 'system', reason: why, step: 'Ask again later.' } };
    },
    (result) => (result.ok ? doneAction : { ...rejectedAction, why: result.failure.reason }),
  );
  if (outcome.ok) return sendJson(response, 202, snakeCased(outcome.value));
  sendRefusal(response, outcome.failure);
}

/** `?application=shop&release=r3` */
export async function sendReleaseLog(
  { searchParams }: URL,
  gateway: Pick<AdminContext['gateway'], 'releaseLog'>,
  response: ServerResponse,
): Promise<void> {
  const [application, release] = [searchParams.get('application') ?? '', searchParams.get('release') ?? ''];
  const log = await gateway.releaseLog(application, release);
  if (log !== null) return sendJson(response, 200, snakeCased(log));
  sendProblem(response, 404, `There is no log of a build of ${release} of ${application}.`);
}

function sendRefusal(response: ServerResponse, { reason, step }: ReleaseRefusal): void {
  sendProblem(response, 409, `${reason} ${step}`);
}

/** A text: what is wrong with the body. */
async function readOrder(
  id: RolloutOperation,
  body: unknown,
  gateway: Pick<AdminContext['gateway'], 'deploy' | 'planDeploy' | 'changeRollout'>,
): Promise<Order | Plan | string> {
  const { deployRequestSchema, rolloutRequestSchema } = await import('../core/schemas/releases.ts');
  if (id === 'deploy') {
    const { data, error } = deployRequestSchema.safeParse(body);
    if (data === undefined) return wrongBody(error.issues);
    const { application, from, name = null, strategy = null } = data;
    if (data.dry_run === true) return { plan: async () => gateway.planDeploy({ application, from, name, strategy }) };
    const target = `${application} from ${from.path}${from.kind === 'git' ? ` at ${from.revision}` : ''}`;
    const order = { application, from, name, strategy, answersMayChange: data.answers_may_change === true };
    return { target, run: (actor) => gateway.deploy(order, actor) };
  }
  const { data, error } = rolloutRequestSchema.safeParse(body);
  if (data === undefined) return wrongBody(error.issues);
  const { application, to = null, reason = null } = data;
  const change: RolloutChange =
    id === 'rollBack' ? { kind: 'rollback', application, to } : { kind: kinds[id], application, reason };
  return {
    target: to === null ? application : `${application} to ${to}`,
    run: (actor) => gateway.changeRollout(change, actor),
  };
}

function wrongBody(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  const [first] = issues;
  const where = first === undefined || first.path.length === 0 ? 'The body' : `\`${first.path.join('.')}\``;
  return `${where}: ${first?.message ?? 'is wrong'}.`;
}
