import type { OverlayJson } from '../core/schemas/overlay.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Gateway, OverlayOutcome } from '../control/gateway-status.ts';
import type { OverlayStatus } from '../core/schemas/status.ts';
import type { OverlayRequestKind } from '../control/overlay-request.ts';
import { sendJson, sendProblem } from './answer.ts';
import { type ActionResult, audited, doneAction, type Requester, rejectedAction } from './audit.ts';
import { acceptJsonBody } from './request-body.ts';

/** The operations that show and change the overlay. */
export class OverlayApi {
  readonly #gateway: Gateway;
  readonly #refusal: () => string | null;

  /** `refusal`: why the program accepts no change now, such as an upgrade; null if it does. */
  constructor(gateway: Gateway, refusal: () => string | null) {
    this.#gateway = gateway;
    this.#refusal = refusal;
  }

  show(response: ServerResponse): void {
    const overlay = this.#gateway.overlay();
    response.setHeader('ETag', `"${overlay.revision}"`);
    sendJson(response, 200, overlayJson(overlay));
  }

  async change(
    kind: OverlayRequestKind,
    requester: Requester,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const body = await acceptJsonBody(request, response);
    if (body === null) return;
    // The package that checks bodies is loaded with the first change: it would be a tenth of the main thread (ADR 4).
    const { readOverlayRequest, requestedTargetOf } = await import('../control/overlay-request.ts');
    const read = readOverlayRequest(kind, body.value);
    if (!read.ok) return sendProblem(response, 422, 'The body has errors; nothing was changed.', read.errors);
    const ifRevision = parseIfMatch(request.headers['if-match']);
    if (ifRevision === undefined) return sendProblem(response, 400, ifMatchText);
    const outcome = await audited(
      this.#gateway,
      { id: operationOf(kind), target: requestedTargetOf(read.change) },
      requester,
      async (): Promise<OverlayOutcome> => {
        const why = this.#refusal();
        if (why !== null) return { ok: false, kind: 'refused', why };
        return this.#gateway.changeOverlay(read.change, requester.actor, ifRevision);
      },
      resultOfChange,
    );
    if (!outcome.ok) return sendProblem(response, statusOfRefusal[outcome.kind], outcome.why);
    const { changed, affected, warnings, overlay } = outcome;
    response.setHeader('ETag', `"${overlay.revision}"`);
    sendJson(response, 200, { changed, affected, warnings, overlay: overlayJson(overlay) });
  }
}

/** The gateway itself is stopped by another operation. */
function operationOf(kind: OverlayRequestKind) {
  return kind === 'scale' ? 'scaleApplication' : kind === 'stop' ? 'stopApplication' : kind;
}

function resultOfChange(outcome: OverlayOutcome): ActionResult {
  if (!outcome.ok) return { ...rejectedAction, why: outcome.why };
  const { changed, affected, overlay } = outcome;
  if (!changed) return doneAction;
  const values = new Map(overlay.entries.map((entry) => [entry.id, entry.values]));
  const entries = affected.map((id) => ({ id, after: values.get(id) ?? null }));
  return { ...doneAction, overlay: { revision: overlay.revision, entries } };
}

const statusOfRefusal = { refused: 409, conflict: 412, unknown_target: 404 } as const;

const ifMatchText = 'If-Match must be the revision of the overlay in quotes, such as "7", or an asterisk.';

/** Null: any revision; undefined: malformed. */
function parseIfMatch(value: string | undefined): number | null | undefined {
  if (value === undefined || value === '*') return null;
  const digits = /^"(\d{1,15})"$/.exec(value)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function overlayJson({ revision, persisted, memoryReason, entries }: OverlayStatus): OverlayJson {
  return { revision, persisted, memory_reason: memoryReason, entries };
}
